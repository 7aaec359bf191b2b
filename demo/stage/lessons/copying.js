/** Copying and privacy. */

/** @type {import("../lessons.js").Lesson} */
export default {
  title: "Copying and privacy",
  models: [
    "mnist-gan", "mnist-vae", "fashion-gan", "fashion-vae", "emoji-gan", "emoji-vae",
  ],
  steps: [
    {
      state: "view=sample&seed=3&left=emoji-gan&right=emoji-vae",
      text: [
        "Both were trained on {emoji-vae.trained_on} emoji. On the left blots that nobody "
          + "would send; on the right, at times, a clean lorry or a life belt. Is that skill?",
      ],
    },
    {
      state: "view=sample&seed=12&left=emoji-gan&right=emoji-vae",
      text: [
        "Ask of each picture whether it lies farther from its nearest training picture than "
          + "that one lies from the next: then it is called authentic. Of real pictures that "
          + "nobody trained on {emoji-vae.held_out_authentic} are, of the GAN's "
          + "{emoji-gan.authentic}, of the VAE's only {emoji-vae.authentic}: it has learnt a "
          + "part by heart.",
      ],
    },
    {
      state: "view=sample&seed=0&left=mnist-gan&right=mnist-vae",
      text: [
        "Of {mnist-gan.trained_on} digits there is less to learn by heart: "
          + "{mnist-gan.authentic} of the GAN's are authentic and {mnist-vae.authentic} of the "
          + "VAE's, of real unseen ones {mnist-gan.held_out_authentic}. A test that finds no "
          + "copies is no proof that there are none.",
        "The fewer the pictures and the larger the model, the more is copied. Had these been "
          + "faces or scans of patients, a copy would show somebody who never agreed. Measure "
          + "before you publish.",
      ],
    },
    {
      state: "x=7&y=0&left=mnist-gan&right=mnist-vae",
      text: [
        "What the data were: digits that American census workers and high-school pupils "
          + "wrote for the records in the 1990s, product photos of a fashion shop, and drawn "
          + "emoji (Twemoji, CC BY 4.0). Other hands, scripts and clothes are missing, and so "
          + "the models do not know them.",
        "What these models must not be used for: to pass drawn pictures off as real ones, as "
          + "evidence or as somebody's handwriting; to decide anything about people; to fill a "
          + "data set without saying so.",
      ],
    },
    {
      state: "view=sample&seed=0&class=Sandal&left=fashion-gan&right=fashion-vae",
      text: [
        "How to recognise an output: stray dots and patterns that lead nowhere point to the "
          + "GAN, soft edges and cloth without texture to the VAE. Many small pictures cannot be "
          + "told from real ones, and nothing in a saved file says that it was drawn.",
        "So say it yourself wherever you show one, and give the link: it draws the very same "
          + "picture again.",
      ],
    },
  ],
  ask: "A model of patients' scans has a FID as good as that of real unseen scans. May it be "
    + "published?",
  answers: [
    {
      text: "Yes: its pictures are good and belong to nobody",
      why: "A model that hands out the training scans has such a FID too.",
    },
    {
      text: "Yes, if the files carry no names",
      why: "A scan can show whose it is without a name.",
    },
    {
      text: "Not before it was measured whether it copies, and the patients asked", right: true,
      why: "And even then with care: such tests find copies, they do not prove that there are "
        + "none.",
    },
  ],
};
