/** Explaining the data. */

/** @type {import("../lessons.js").Lesson} */
export default {
  title: "Explaining the data",
  models: ["mnist-gan", "mnist-vae"],
  steps: [
    {
      state: "view=draw&left=mnist-gan&right=mnist-vae",
      text: [
        "A VAE learns both ways: an encoder reads a picture into a latent, a decoder draws "
          + "it again. Draw a digit below, or press one of the ready-made drawings, and see what "
          + "comes back.",
        "The GAN cannot read: it has no encoder.",
      ],
    },
    {
      state: "x=8&y=0&left=mnist-gan&right=mnist-vae",
      text: [
        "Training asks two things at once of every training picture: that it comes back as "
          + "it was, and that its latent could as well have been drawn at random. The sum bounds "
          + "from below how likely the model makes the data, and is called ELBO.",
        "Because of the second, random latents give digits: here one at seed 8.",
      ],
    },
    {
      state: "view=sample&seed=0&left=mnist-gan&right=mnist-vae",
      text: [
        "Every training picture has to be explained, the odd ones too; leaving some out "
          + "would cost much. That favours variety: recall {mnist-vae.recall} against the GAN's "
          + "{mnist-gan.recall}.",
        "It also makes some pictures that no one would write: precision "
          + "{mnist-vae.precision} against {mnist-gan.precision}.",
      ],
    },
    {
      state: "view=draw&left=mnist-gan&right=mnist-vae",
      text: [
        "Now press the letter A, or the house. The VAE knows nothing but digits and answers "
          + "with one. A model explains all it is given in terms of what it was trained on, and "
          + "does not say that it has no idea.",
      ],
    },
  ],
  ask: "Why does a VAE rarely forget a whole kind of picture?",
  answers: [
    {
      text: "It stores all training pictures",
      why: "Only weights are stored, though some pictures can be learnt by heart: see the last "
        + "lesson.",
    },
    {
      text: "Each training picture it cannot explain costs it", right: true,
      why: "The likelihood is a product over all pictures: one that is nearly impossible spoils "
        + "it.",
    },
    {
      text: "Its discriminator insists on variety",
      why: "A VAE has no discriminator.",
    },
  ],
};
