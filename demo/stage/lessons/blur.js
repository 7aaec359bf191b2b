/** Why VAEs blur, and what a prior mends. */

/** @type {import("../lessons.js").Lesson} */
export default {
  title: "Why VAEs blur, and what a prior mends",
  models: ["mnist-gan", "mnist-vae", "fashion-gan", "fashion-vae", "emoji-gan", "emoji-vae"],
  steps: [
    {
      state: "view=sample&seed=0&class=Shirt&left=fashion-gan&right=fashion-vae",
      text: [
        "Both were trained on the same photos of clothes, with nearly the same decoder. On "
          + "the left patterns, on the right smooth cloth.",
      ],
    },
    {
      state: "view=sample&seed=0&class=Sandal&left=fashion-gan&right=fashion-vae",
      text: [
        "A latent of {fashion-vae.latent_dim} numbers cannot hold every strap and thread. "
          + "Whatever it leaves open the decoder has to guess, and under a squared error the "
          + "best guess is the mean of all that is possible: a mean of many patterns is grey.",
        "A score that looks at texture, the patch distance SWD, sees it: "
          + "{fashion-vae.patch_distance} for the VAE, {fashion-gan.patch_distance} for the GAN, "
          + "less is better.",
      ],
    },
    {
      state: "view=sample&seed=0&left=mnist-vae&right=mnist-gan",
      text: [
        "The other weakness of VAEs are holes. Latents are drawn from a fixed distribution, "
          + "but the encoder does not fill it evenly: a random latent that lies where no "
          + "training picture came near gives nonsense.",
        "Ours learns its prior too: an invertible network, a normalising flow, turns random "
          + "numbers into latents such as the encoder gives. With it the VAE on the left reaches "
          + "a FID of {mnist-vae.frechet_distance}, the GAN {mnist-gan.frechet_distance}.",
      ],
    },
    {
      state: "view=sample&seed=3&left=emoji-gan&right=emoji-vae",
      text: [
        "A prior mends holes, not blur. Against blur helps a larger latent and another "
          + "error: this VAE of emoji has a grid of {emoji-vae.latent_dim} numbers and compares "
          + "pictures in the features of a small network as well as in pixels.",
        "It has a price, which the last lesson is about.",
      ],
    },
  ],
  ask: "What does the learned prior mend?",
  answers: [
    {
      text: "The blur of each picture",
      why: "The blur comes from the decoder's mean, whatever the latents are drawn from.",
    },
    {
      text: "Random latents where no training picture came near", right: true,
      why: "It draws latents such as the encoder gives, so the decoder meets what it was trained "
        + "on.",
    },
    {
      text: "Too few training pictures",
      why: "No prior replaces data.",
    },
  ],
};
