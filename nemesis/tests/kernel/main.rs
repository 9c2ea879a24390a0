//! What needs the kernel: the lab, the network planes, the processes.
//!
//! A lab is entered by a process with one thread, which a test runner is not. So each test starts this program again
//! with `--scene NAME`, once as the present user and, when that is root, once more as an ordinary one. What the host
//! does not permit is said aloud and counts as passed.
#![expect(
    clippy::unwrap_used,
    reason = "a test program with its own main is not recognised as one"
)]

mod clock_scenes;
mod disk_scenes;
mod disturbance_scenes;
mod doctor_scenes;
mod foreign_clock_scenes;
mod foreign_disk_scenes;
mod lab_scenes;
mod network;
mod plane_scenes;
mod preload_scenes;
mod process_scenes;
mod runner;
mod shaping_scenes;

use libtest_mimic::{Arguments, Trial};
use runner::{Scene, User};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let [_, flag, name, rest @ ..] = words.as_slice()
        && flag == "--scene"
    {
        return runner::play(&scenes(), name, rest);
    }
    libtest_mimic::run(&Arguments::from_args(), trials()).exit();
}

fn scenes() -> Vec<Scene> {
    [
        lab_scenes::SCENES,
        plane_scenes::SCENES,
        disturbance_scenes::SCENES,
        shaping_scenes::SCENES,
        process_scenes::SCENES,
        disk_scenes::SCENES,
        doctor_scenes::SCENES,
        clock_scenes::SCENES,
        preload_scenes::SCENES,
        foreign_clock_scenes::SCENES,
        foreign_disk_scenes::SCENES,
    ]
    .concat()
}

fn trials() -> Vec<Trial> {
    let mut trials = lab_scenes::trials();
    let tested = scenes().into_iter().filter(|scene| scene.is_test);
    trials.extend(tested.flat_map(|scene| {
        User::all()
            .into_iter()
            .map(move |user| runner::trial(scene, user))
    }));
    trials
}
