//! Phrases that mean nodes: `n1 n2`, `leader`, `one of followers`, `all but L F`.

use super::view::View;
use super::words::{Words, Wrong, wrong};
use crate::NodeName;
use rand::{Rng, RngExt};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The nodes that names were given to.
pub type Bound = BTreeMap<String, BTreeSet<NodeName>>;

/// What is there when a phrase is asked whom it means.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The system.
    pub view: &'a View,
    /// The names that were given.
    pub bound: &'a Bound,
}

/// Some nodes, or a number out of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodes {
    count: Option<usize>,
    of: Vec<Who>,
    but: Vec<Who>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Node(NodeName),
    Bound(String),
    Leader,
    Followers,
    Candidates,
    All,
    Others,
}

/// Whether a name is one that steps give: it begins with a capital letter, as no node's does.
pub(super) fn is_bound_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl Nodes {
    /// Every node that is not at the other end.
    pub(super) fn others() -> Nodes {
        Nodes {
            count: None,
            of: vec![Who::Others],
            but: Vec::new(),
        }
    }

    /// Reads as many words as mean nodes.
    pub(super) fn read(words: &mut Words, cluster: &[NodeName]) -> Result<Nodes, Wrong> {
        if words.accept(&["someone"]) {
            return Ok(Nodes {
                count: Some(1),
                of: vec![Who::All],
                but: Vec::new(),
            });
        }
        let count = read_count(words)?;
        let of = read_names(words, cluster)?;
        let but = match words.accept(&["but"]) {
            true => read_names(words, cluster)?,
            false => Vec::new(),
        };
        let nodes = Nodes { count, of, but };
        nodes.refuse_too_few()?;
        Ok(nodes)
    }

    fn refuse_too_few(&self) -> Result<(), Wrong> {
        let single = |who: &Who| matches!(who, Who::Node(_) | Who::Leader);
        match self.count {
            Some(count) if self.of.iter().all(single) && count > self.of.len() => wrong(format!(
                "\"{self}\" asks for more nodes than it names: name more, or ask for fewer"
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The names of nodes in it that steps must have given.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.of.iter().chain(&self.but).filter_map(|who| match who {
            Who::Bound(name) => Some(name.as_str()),
            Who::Node(_)
            | Who::Leader
            | Who::Followers
            | Who::Candidates
            | Who::All
            | Who::Others => None,
        })
    }

    /// The nodes, where it is nothing but their names.
    pub(super) fn plain(&self) -> Option<BTreeSet<&NodeName>> {
        match (self.count, self.but.is_empty()) {
            (None, true) => self.of.iter().map(Who::node).collect(),
            _ => None,
        }
    }

    /// Whether it has the word `others`, which only means something opposite to other nodes.
    pub(super) fn needs_opposite(&self) -> bool {
        self.of.contains(&Who::Others)
    }

    /// How many of its pool are meant; all of them where it does not say.
    pub(super) fn count(&self) -> Option<usize> {
        self.count
    }

    /// Whom it may mean. `others` are those who are not `opposite`.
    ///
    /// # Errors
    /// Who is not there, in words.
    pub(super) fn pool(
        &self,
        scene: Scene<'_>,
        opposite: &BTreeSet<NodeName>,
    ) -> Result<BTreeSet<NodeName>, String> {
        let mut pool = union(&self.of, scene, opposite)?;
        for node in union(&self.but, scene, opposite)? {
            pool.remove(&node);
        }
        match pool.is_empty() {
            true => Err(format!("{self} means nobody now")),
            false => Ok(pool),
        }
    }

    /// Whom it means, drawn where it says how many.
    ///
    /// # Errors
    /// Who is not there, in words.
    pub fn choose(
        &self,
        scene: Scene<'_>,
        opposite: &BTreeSet<NodeName>,
        rng: &mut impl Rng,
    ) -> Result<BTreeSet<NodeName>, String> {
        let pool = self.pool(scene, opposite)?;
        let Some(count) = self.count else {
            return Ok(pool);
        };
        if pool.len() < count {
            return Err(format!("{self} means {} nodes now", pool.len()));
        }
        let mut left: Vec<NodeName> = pool.into_iter().collect();
        let draw = |_| left.remove(rng.random_range(0..left.len()));
        Ok((0..count).map(draw).collect())
    }
}

fn read_count(words: &mut Words) -> Result<Option<usize>, Wrong> {
    if words.second() != Some("of") {
        return Ok(None);
    }
    let read = |word: &str| match word {
        "one" => Some(1),
        "two" => Some(2),
        number => number.parse().ok().filter(|count| *count > 0),
    };
    let count = words.take("a number of nodes, as in \"one of\" or \"2 of\",", read)?;
    words.skip();
    Ok(Some(count))
}

fn read_names(words: &mut Words, cluster: &[NodeName]) -> Result<Vec<Who>, Wrong> {
    let mut names = Vec::new();
    while let Some(word) = words.peek() {
        match who(word, cluster)? {
            Some(who) => names.push(who),
            None => break,
        }
        words.skip();
    }
    match (names.is_empty(), words.peek()) {
        (false, _) => Ok(names),
        (true, Some(word)) => wrong(format!(
            "{word:?} stands where nodes should: write names such as {}, leader, followers, candidates, all, others, or a name that a step gave",
            cluster.first().map_or("n1", NodeName::as_str)
        )),
        (true, None) => wrong(
            "nodes are missing at the end: write their names, leader, followers, all or others",
        ),
    }
}

fn who(word: &str, cluster: &[NodeName]) -> Result<Option<Who>, Wrong> {
    let node = cluster.iter().find(|node| node.as_str() == word);
    let is_number =
        |rest: &str| !rest.is_empty() && rest.chars().all(|digit| digit.is_ascii_digit());
    Ok(match (word, node) {
        (_, Some(node)) => Some(Who::Node(node.clone())),
        ("leader", _) => Some(Who::Leader),
        ("followers", _) => Some(Who::Followers),
        ("candidates", _) => Some(Who::Candidates),
        ("all", _) => Some(Who::All),
        ("others", _) => Some(Who::Others),
        (name, _) if is_bound_name(name) => Some(Who::Bound(name.to_owned())),
        (name, _) if name.strip_prefix('n').is_some_and(is_number) => {
            let names: Vec<&str> = cluster.iter().map(NodeName::as_str).collect();
            return wrong(format!(
                "node {name:?} is not in the cluster of {}: name one of these, or raise --nodes",
                names.join(" ")
            ));
        }
        _ => None,
    })
}

fn union(
    names: &[Who],
    scene: Scene<'_>,
    opposite: &BTreeSet<NodeName>,
) -> Result<BTreeSet<NodeName>, String> {
    let mut nodes = BTreeSet::new();
    for who in names {
        nodes.extend(who.nodes(scene, opposite)?);
    }
    Ok(nodes)
}

impl Who {
    fn node(&self) -> Option<&NodeName> {
        match self {
            Who::Node(node) => Some(node),
            Who::Bound(_)
            | Who::Leader
            | Who::Followers
            | Who::Candidates
            | Who::All
            | Who::Others => None,
        }
    }

    fn nodes(
        &self,
        scene: Scene<'_>,
        opposite: &BTreeSet<NodeName>,
    ) -> Result<BTreeSet<NodeName>, String> {
        let all = || scene.view.nodes.keys().cloned();
        let leader = || scene.view.leader().ok_or("nobody is known to lead");
        Ok(match self {
            Who::Node(node) => BTreeSet::from([node.clone()]),
            Who::Bound(name) => {
                let nodes = scene.bound.get(name).cloned();
                nodes.ok_or_else(|| format!("nobody is called {name}: that step was skipped"))?
            }
            Who::Leader => BTreeSet::from([leader()?.clone()]),
            Who::Followers => {
                let leader = leader()?;
                let follows = |node: &NodeName| node != leader && scene.view.nodes[node].answers;
                all().filter(follows).collect()
            }
            Who::Candidates => {
                let seen = scene.view.nodes.iter();
                let stands = seen.filter(|(_, seen)| seen.says_it_is("candidate"));
                stands.map(|(node, _)| node.clone()).collect()
            }
            Who::All => all().collect(),
            Who::Others => all().filter(|node| !opposite.contains(node)).collect(),
        })
    }
}

impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            Some(1) => f.write_str("one of ")?,
            Some(count) => write!(f, "{count} of ")?,
            None => {}
        }
        f.write_str(&listed(&self.of))?;
        match self.but.is_empty() {
            true => Ok(()),
            false => write!(f, " but {}", listed(&self.but)),
        }
    }
}

fn listed(names: &[Who]) -> String {
    let name = |who: &Who| match who {
        Who::Node(node) => node.to_string(),
        Who::Bound(name) => name.clone(),
        Who::Leader => "leader".to_owned(),
        Who::Followers => "followers".to_owned(),
        Who::Candidates => "candidates".to_owned(),
        Who::All => "all".to_owned(),
        Who::Others => "others".to_owned(),
    };
    names.iter().map(name).collect::<Vec<_>>().join(" ")
}
