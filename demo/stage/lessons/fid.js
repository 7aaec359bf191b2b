/** What FID sees, and what not. */

/** @type {import("../lessons.js").Lesson} */
export default {
  title: "What FID sees, and what not",
  models: [
    "mnist-gan", "mnist-vae", "mnist-dcgan", "fashion-gan",
    "fashion-vae", "emoji-gan", "emoji-vae",
  ],
  steps: [
    {
      state: "view=sample&seed=0&left=mnist-gan&right=mnist-dcgan",
      text: [
        "FID looks at many pictures through a trained classifier: each becomes a list of "
          + "features, and the mean and covariance of drawn pictures are compared with those of "
          + "the training pictures. Less is better; even real pictures that no model saw do not "
          + "reach 0.",
        "What your eye sees at once FID sees too: {mnist-gan.frechet_distance} on the left, "
          + "{mnist-dcgan.frechet_distance} on the right.",
      ],
    },
    {
      state: "view=sample&seed=0&left=mnist-gan&right=mnist-vae",
      text: [
        "Here it is {mnist-gan.frechet_distance} against {mnist-vae.frechet_distance}. Drawn "
          + "again, either number would lie somewhere in its interval of 95 %: "
          + "{mnist-gan.frechet_interval} and {mnist-vae.frechet_interval}. They overlap: this "
          + "says nothing about which is better.",
        "It is one number for two virtues. Precision and recall part them: the GAN's "
          + "pictures look real more often, the VAE's vary more.",
      ],
    },
    {
      state: "view=sample&seed=0&class=Sandal&left=fashion-gan&right=fashion-vae",
      text: [
        "What the classifier ignores FID cannot see. Stray dots beside the thing hardly move "
          + "it; counted, they are in {fashion-gan.specks_percent} of this GAN's pictures and in "
          + "{fashion-vae.specks_percent} of the VAE's.",
      ],
    },
    {
      state: "view=sample&seed=3&left=emoji-gan&right=emoji-vae",
      text: [
        "Nor does FID ask where a picture comes from: whoever hands out training pictures "
          + "gets an excellent one. Of these two the VAE has the better FID, "
          + "{emoji-vae.frechet_distance} against {emoji-gan.frechet_distance}. Why that is no "
          + "praise, the next lesson tells.",
      ],
    },
  ],
  ask: "Model A has a FID of 0.154, model B of 0.151, and their intervals overlap. Which is "
    + "better?",
  answers: [
    {
      text: "Model A",
      why: "A lower FID is better, and the difference is within chance.",
    },
    {
      text: "Model B",
      why: "The difference is smaller than what drawing the pictures again would change.",
    },
    {
      text: "These numbers do not say", right: true,
      why: "Look at precision, recall, texture and copies, train both again with other seeds, and "
        + "say what you need the pictures for.",
    },
  ],
};
