/** The duel. */

/** @type {import("../lessons.js").Lesson} */
export default {
  title: "The duel",
  models: ["mnist-gan", "mnist-vae", "mnist-dcgan", "fashion-gan", "fashion-vae"],
  steps: [
    {
      state: "view=sample&seed=0&left=mnist-gan&right=mnist-dcgan",
      text: [
        "A GAN is two networks. The generator draws; the discriminator sees real and drawn "
          + "pictures and learns to tell them apart. The generator never sees a training "
          + "picture: it learns only from what gives its own pictures away.",
        "Both sheets are GANs trained on the same digits.",
      ],
    },
    {
      state: "view=sample&seed=9&left=mnist-gan&right=mnist-dcgan",
      text: [
        "On the right the DCGAN of a well-known tutorial, an idea of 2015: many of its "
          + "pictures are no digits. The distance called FID says so too: "
          + "{mnist-dcgan.frechet_distance} against {mnist-gan.frechet_distance} on the left, "
          + "less is better.",
        "What the left one does otherwise: its discriminator compares a real picture with a "
          + "drawn one instead of judging each alone, it is told the digit, and penalties on its "
          + "gradients keep the duel from running away.",
      ],
    },
    {
      state: "view=sample&seed=0&class=Shirt&left=fashion-gan&right=fashion-vae",
      text: [
        "A discriminator notices texture. So this GAN prints patterns on its shirts, where "
          + "the VAE on the right leaves them smooth.",
      ],
    },
    {
      state: "view=sample&seed=0&class=8&left=mnist-gan&right=mnist-vae",
      text: [
        "A duel can be won by drawing a few things well. Recall asks how much of the real "
          + "variety is reached: {mnist-gan.recall} for the GAN, {mnist-vae.recall} for the VAE. "
          + "Precision asks how many pictures look real: {mnist-gan.precision} and "
          + "{mnist-vae.precision}.",
      ],
    },
  ],
  ask: "What does the generator learn from?",
  answers: [
    {
      text: "From the training pictures, which it tries to redraw",
      why: "That is the VAE. A GAN's generator is shown no training picture.",
    },
    {
      text: "From the discriminator's gradient on its own pictures", right: true,
      why: "It is told in which direction each of its pictures would look more real, and nothing "
        + "else.",
    },
    {
      text: "From labels that people gave to its pictures",
      why: "Nobody judges its pictures in training but the discriminator.",
    },
  ],
};
