//! Starting this program again to play one scene.

use libtest_mimic::{Failed, Trial};
use std::ops::{Deref, DerefMut};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};

/// Exit code of a scene the host does not permit.
const SKIPPED: i32 = 77;

/// Somebody without privileges.
const NOBODY: u32 = 65_534;

/// Something to do in a process of its own.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) play: fn(&[String]),
    /// Whether it is a test by itself, rather than a part of one.
    pub(crate) is_test: bool,
}

impl Scene {
    /// One that is a test by itself.
    pub(crate) const fn test(name: &'static str, play: fn(&[String])) -> Scene {
        Scene {
            name,
            play,
            is_test: true,
        }
    }

    /// One that others start.
    pub(crate) const fn part(name: &'static str, play: fn(&[String])) -> Scene {
        Scene {
            is_test: false,
            ..Scene::test(name, play)
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum User {
    Present,
    Nobody,
}

impl User {
    pub(crate) fn all() -> Vec<User> {
        match nix::unistd::geteuid().is_root() {
            true => vec![User::Present, User::Nobody],
            false => vec![User::Present],
        }
    }

    /// Makes a command run as this user.
    pub(crate) fn take_over(self, command: &mut Command) {
        if self == User::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            User::Present => "as_started",
            User::Nobody => "as_nobody",
        }
    }
}

/// The command that plays a scene.
pub(crate) fn command(scene: &str, user: User) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--scene", scene]).current_dir("/");
    user.take_over(&mut command);
    command
}

/// A started scene that does not outlive a test that fails.
pub(crate) struct Playing(Child);

impl Playing {
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Playing> {
        command.stdout(Stdio::piped()).spawn().map(Playing)
    }
}

impl Deref for Playing {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Playing {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The test that plays a scene to its end.
pub(crate) fn trial(scene: Scene, user: User) -> Trial {
    Trial::test(format!("{}::{}", scene.name, user.label()), move || {
        judge(&command(scene.name, user).output()?)
    })
}

/// A scene that skips itself has said why.
pub(crate) fn judge(output: &Output) -> Result<(), Failed> {
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    match output.status.code() {
        Some(0) => Ok(()),
        Some(SKIPPED) => {
            println!("{}", said.concat().trim());
            Ok(())
        }
        _ => Err(format!("{}\n{}", output.status, said.concat()).into()),
    }
}

pub(crate) fn play(scenes: &[Scene], name: &str, words: &[String]) {
    let scene = scenes.iter().find(|scene| scene.name == name).unwrap();
    (scene.play)(words);
}

/// Ends a scene that cannot be played here.
pub(crate) fn skip(why: impl std::fmt::Display) -> ! {
    println!("SKIPPED: {why}");
    std::process::exit(SKIPPED)
}

/// Enters the lab, or skips the scene when the host does not permit one.
pub(crate) fn enter_lab() -> nemesis::lab::Lab {
    match nemesis::lab::enter() {
        Ok(lab) => lab,
        Err(error @ nemesis::lab::LabError::Refused { .. }) => skip(error),
        Err(error) => panic!("{error}"),
    }
}
