/** What a latent is. */

/** @type {import("../lessons.js").Lesson} */
export default {
  title: "What a latent is",
  models: ["mnist-gan", "mnist-vae"],
  steps: [
    {
      state: "left=mnist-gan&right=mnist-vae&x=2&y=0",
      text: [
        "A latent is a list of random numbers: {mnist-gan.latent_dim} of them for this GAN, "
          + "{mnist-vae.latent_dim} for this VAE. The model computes a picture from the list, "
          + "always the same one.",
        "A seed names such a list. You stand at seed 2; whoever opens the same link sees the "
          + "same two pictures.",
      ],
    },
    {
      state: "left=mnist-gan&right=mnist-vae&x=2.4&y=0",
      text: [
        "Change the numbers a little and the picture changes a little. You now stand between "
          + "seeds 2 and 3: both lists are mixed, and nobody may ever have seen this picture.",
        "Drag a picture and watch both models follow. None of them stores pictures to fade "
          + "between; everything is computed.",
      ],
    },
    {
      state: "view=interpolate&left=mnist-gan&right=mnist-vae&from=0&to=8&at=0.4",
      text: [
        "A path from one latent to another gives a film. Move the slider along it.",
        "The path is bent: random lists of this length nearly all lie at about the same "
          + "distance from zero, as on a sphere. The middle of a straight path would lie nearer "
          + "to zero than almost anything that the models met in training.",
      ],
    },
    {
      state: "view=sample&seed=0&class=8&psi=0.3&left=mnist-gan&right=mnist-vae",
      text: [
        "Truncation pulls every number towards zero, here to 0.3 of its size. The eights "
          + "become typical, and alike: what you gain in tidiness you pay in variety.",
      ],
    },
    {
      state: "view=sample&seed=0&class=4&left=mnist-gan&right=mnist-vae",
      text: [
        "These models are also told a class. The same seeds, now all fours at full variety: "
          + "what is left to the latent is the manner, such as slant, width and weight of the "
          + "stroke.",
      ],
    },
  ],
  ask: "Two people open the same seed in the same model on different computers. What do they see?",
  answers: [
    {
      text: "The same picture", right: true,
      why: "The seed fixes the latent, and the latent fixes the picture; computers round "
        + "differently by one grey level at most.",
    },
    {
      text: "Two pictures of the same digit",
      why: "More than the class is fixed: every number of the latent follows from the seed.",
    },
    {
      text: "Two unrelated pictures",
      why: "Nothing is drawn anew by chance; the seed stands for one list of numbers.",
    },
  ],
};
