/** The stage's HTML; everything that changes in it is drawn by the views. */

import { LAST_SEED } from "./plane.js";
import { COUNT } from "./sample.js";

const figures = (/** @type {string} */ inside, below = "") => `
  <div class="sides">
    ${["left", "right"].map((side) => `
    <figure data-side="${side}">
      ${inside}
      <figcaption>
        <select aria-label="Model on the ${side}"></select><span class="name" translate="no"></span>
        <span class="words" role="status"></span>
        <button type="button" class="retry" hidden>Try again</button>
      </figcaption>${below}
    </figure>`).join("")}
  </div>`;

const KEYS = "Drag, or use the arrow keys; Shift for a whole seed, S to snap, Space to pause.";

export const TEMPLATE = `
<div class="bar">
<nav role="tablist" aria-label="What to do">
  <button type="button" role="tab" id="tab-explore" aria-controls="view-explore">Explore</button>
  <button type="button" role="tab" id="tab-sample" aria-controls="view-sample">Sample</button>
  <button type="button" role="tab" id="tab-interpolate" aria-controls="view-interpolate">Path</button>
  <button type="button" role="tab" id="tab-draw" aria-controls="view-draw">Draw</button>
  <button type="button" role="tab" id="tab-quiz" aria-controls="view-quiz">Quiz</button>
</nav>
<button type="button" data-act="lessons" aria-expanded="false" aria-controls="lessons">Lessons</button>
</div>
<section id="lessons" class="lessons" aria-label="Lessons" aria-live="polite" hidden></section>
<div class="row pictures" hidden><label>Pictures <select name="pictures"></select></label></div>

<section role="tabpanel" id="view-explore" aria-labelledby="tab-explore">
  ${figures(`<canvas class="picture" width="28" height="28" tabindex="0" role="application"
    aria-roledescription="picture to drag" aria-label="${KEYS}"></canvas>`)}
  <canvas class="map" tabindex="0" role="application" aria-roledescription="map of seeds"
    aria-label="${KEYS}"></canvas>
  <p class="aside hint">Drag a picture or the map: both models go to the same place.</p>
  <div class="row">
    <button type="button" class="primary" data-act="play">Pause</button>
    <button type="button" data-act="snap" aria-pressed="false"
      title="Let go, and the nearest seed is taken">Snap</button>
    <button type="button" data-act="roll">Random seed</button>
    <label>Seed <input name="place" type="number" min="0" max="${LAST_SEED}" inputmode="numeric"></label>
  </div>
</section>

<section role="tabpanel" id="view-sample" aria-labelledby="tab-sample" hidden>
  ${figures(`<div class="sheet"><canvas width="86" height="86"></canvas></div>`)}
  <div class="row actions" hidden>
    <strong></strong>
    <button type="button" data-act="go">Go there</button>
    <button type="button" data-act="from">Start of a path</button>
    <button type="button" data-act="to">End of a path</button>
    <button type="button" data-act="copy">Copy seed</button>
  </div>
  <div class="row">
    <label>First seed <input name="seed" type="number" min="0" max="${LAST_SEED - COUNT + 1}" inputmode="numeric"></label>
    <button type="button" data-act="next">Next nine</button>
  </div>
</section>

<section role="tabpanel" id="view-interpolate" aria-labelledby="tab-interpolate" hidden>
  ${figures(`<canvas class="picture" width="28" height="28" role="img" aria-label="The path's picture"></canvas>
    <canvas class="strip" width="260" height="28" role="img" aria-label="Nine pictures along the path"></canvas>`)}
  <div class="row wide">
    <button type="button" class="primary" data-play>Play</button>
    <input name="at" type="range" min="0" max="1" step="0.001" aria-label="Along the path">
  </div>
  <div class="row">
    <label>From seed <input name="from" type="number" min="0" max="${LAST_SEED}" inputmode="numeric"></label>
    <label>To seed <input name="to" type="number" min="0" max="${LAST_SEED}" inputmode="numeric"></label>
    <label>Path <select name="kind"><option value="spherical">spherical</option>
      <option value="linear">linear</option></select></label>
    <label>Speed <select name="speed"><option value="0.3">slow</option><option value="1" selected>even</option>
      <option value="3">fast</option></select></label>
    <label><input name="returns" type="checkbox" checked> there and back</label>
    <button type="button" data-save="png">Save PNG film</button>
    <button type="button" data-save="webp" hidden>Save WebP film</button>
  </div>
  <fieldset class="chips via"><legend>Through</legend></fieldset>
  <p class="aside way" role="status"></p>
</section>

<section role="tabpanel" id="view-draw" aria-labelledby="tab-draw" hidden>
  <p class="none" hidden>Neither model here reads a grey drawing: choose a VAE of grey pictures.</p>
  <div class="board">
    <figure class="hand"><canvas class="pad" width="28" height="28" aria-label="Pad to draw on"
      role="img"></canvas><figcaption>Your drawing</figcaption></figure>
    ${figures(`<canvas class="picture" width="28" height="28" role="img" aria-label="Its answer"></canvas>`,
    `<p class="reading" role="status"></p>
      <div class="row"><button type="button" data-act="seek" hidden>Search</button>
        <progress aria-label="Search" hidden></progress></div>`)}
    <div class="row">
      <button type="button" data-act="undo">Undo</button>
      <button type="button" data-act="clear">Clear</button>
      <button type="button" data-act="example">Let the GAN draw one</button>
      <span class="examples"></span>
    </div>
  </div>
  <p class="aside">Every <b data-kind="variational">VAE</b> learns both ways, from picture to latent and back. Every
    <b data-kind="adversarial">GAN</b> learns only to draw: which latent would give your picture, it cannot say.
    It has to be searched for, step by step.</p>
</section>

<section role="tabpanel" id="view-quiz" aria-labelledby="tab-quiz" hidden>
  <h2>Real or generated?</h2>
  <p class="none" role="status" hidden></p>
  <div class="ask">
    <p class="aside">Ten pictures, one after the other. Each is real, or drawn by a model. Who made it?</p>
    <canvas class="question" width="28" height="28" role="img" aria-label="The picture to judge"></canvas>
    <p class="count" role="status"><span>Picture</span> <b></b></p>
    <div class="row answers" role="group" aria-label="Who made it?"></div>
    <p class="aside keys">The keys 1, 2 and 3 answer too.</p>
  </div>
  <div class="tally" hidden>
    <h3 tabindex="-1"><span>Recognised</span> <b></b></h3>
    <p class="verdict"></p>
    <div class="wide"></div>
    <ol></ol>
    <h3>What may give them away</h3>
    <p class="aside">Of many pictures; ten may show nothing of it.</p>
    <div class="wide telltales"></div>
  </div>
  <div class="row">
    <button type="button" data-act="again">Ten others</button>
    <button type="button" data-act="same" hidden>The same ten</button>
    <button type="button" data-act="link">Copy link to these ten</button>
  </div>
  <p class="aside credit"></p>
</section>

<div class="controls">
  <fieldset class="chips one"><legend>Class</legend></fieldset>
  <label class="psi">Truncation <span class="value"></span>
    <input name="psi" type="range" min="0" max="1" step="0.01" aria-describedby="psi-words">
    <span class="aside" id="psi-words">less: more typical, less variety</span></label>
  <div class="row">
    <button type="button" data-act="link">Copy link</button>
    <button type="button" data-act="save">Save PNG</button>
  </div>
</div>
<p class="said" role="status"></p>
`;
