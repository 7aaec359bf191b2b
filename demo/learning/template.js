/** The HTML of the tab Learning; the reels and the live run fill it. */

const sides = (/** @type {string} */ kind, inside = "") => `
  <div class="sides">
    ${["left", "right"].map((side) => `
    <${kind} class="side" data-side="${side}">${inside}</${kind}>`).join("")}
  </div>`;

const REEL = `
<div class="reel">
  ${sides("figure", `
      <canvas class="picture" width="115" height="115" role="img"
        aria-label="What the same 16 latents become at this step"></canvas>
      <figcaption><span class="name"></span>
        <span class="count"><span>Step</span> <output></output></span>
        <span class="words" role="status"></span></figcaption>`)}
  <div class="row scrub">
    <button type="button" class="primary" data-act="play">Play</button>
    <input type="range" name="stop" min="0" max="0" step="1" value="0" aria-label="Training step">
    <span class="at"><span>Step</span> <output>0</output></span>
    <label>Speed <select name="speed"><option value="2">slow</option>
      <option value="6" selected>even</option><option value="15">fast</option></select></label>
  </div>
  ${sides("div")}
</div>`;

export const TEMPLATE = `
<nav role="tablist" aria-label="Which training">
  <button type="button" role="tab" id="tab-recorded" aria-controls="view-recorded">Recorded</button>
  <button type="button" role="tab" id="tab-live" aria-controls="view-live">Train live</button>
</nav>

<section role="tabpanel" id="view-recorded" aria-labelledby="tab-recorded">
  <p class="aside">How the two models in view came about: the same 16 latents, drawn again and again
    while they were trained, and their losses.</p>
  ${REEL}
  <p class="aside">The losses of a <b data-kind="adversarial">GAN</b> are a duel: each side's gain is the
    other's loss, so they need not fall while the pictures get better. A
    <b data-kind="variational">VAE</b> has one aim, the ELBO, and it rises as it learns.</p>
</section>

<section role="tabpanel" id="view-live" aria-labelledby="tab-live" hidden>
  <p class="aside">A small <b data-kind="adversarial">GAN</b> and a small
    <b data-kind="variational">VAE</b> start from nothing, here on the server. They learn for a minute,
    or until you stop them or leave.</p>
  <p class="off" hidden>Training live is switched off on this server. On your own machine it is
    <code>python -m training gan</code> and <code>python -m training vae</code>.</p>
  <div class="row buttons">
    <button type="button" class="primary" data-act="start">Train both</button>
    <button type="button" data-act="stop" disabled>Stop</button>
    <progress max="1" value="0" aria-label="Time used"></progress>
    <span><span>Pictures:</span> <b class="data"></b></span>
  </div>
  <p class="said" role="status"><span class="state"></span> <b class="place"></b>
    <span class="why"></span></p>
  ${REEL}
</section>`;
