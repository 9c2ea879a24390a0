//! Every packet of the switch in a file for Wireshark: an interface per directed link, and what became of a packet as its
//! comment.

use super::fabric::{End, Fate};
use crate::clock::wall_ns;
use crate::net::NetError;
use crate::partition::Link;
use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

/// Times are in units of 10^-9 s.
const NANOSECONDS: u8 = 9;

/// A capture that is being written. A packet is recorded once, as it was sent on or would have been, when it came in.
pub(super) struct Capture<W: Write> {
    writer: PcapNgWriter<W>,
    /// The interface of each link, by the numbers of its ends.
    interfaces: BTreeMap<(usize, usize), u32>,
    /// The wall clock when the time of the switch was zero.
    began: Duration,
}

impl Capture<BufWriter<File>> {
    /// Begins a file with an interface for each of these links.
    pub(super) fn create(
        path: &Path,
        links: &[((usize, usize), Link)],
    ) -> Result<Capture<BufWriter<File>>, NetError> {
        let failed = |why: String| NetError::Capture {
            path: path.to_owned(),
            why,
        };
        let now = Duration::from_nanos(wall_ns().unsigned_abs());
        let file = File::create(path).map_err(|error| failed(error.to_string()))?;
        Capture::begin(BufWriter::new(file), links, now).map_err(|error| failed(error.to_string()))
    }
}

impl<W: Write> Capture<W> {
    fn begin(
        writer: W,
        links: &[((usize, usize), Link)],
        began: Duration,
    ) -> Result<Capture<W>, pcap_file::PcapError> {
        let mut capture = Capture {
            writer: PcapNgWriter::new(writer)?,
            interfaces: BTreeMap::new(),
            began,
        };
        for (number, (ends, link)) in (0..).zip(links) {
            let interface = InterfaceDescriptionBlock {
                linktype: DataLink::IPV4,
                snaplen: 0,
                options: vec![
                    InterfaceDescriptionOption::IfName(Cow::Owned(link.to_string())),
                    InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
                ],
            };
            capture.writer.write_pcapng_block(interface)?;
            capture.interfaces.insert(*ends, number);
        }
        Ok(capture)
    }

    /// Records a packet that came in at `now`. What the harness says on its own account is left out.
    pub(super) fn record(
        &mut self,
        now: Duration,
        fate: &Fate,
        packet: &[u8],
    ) -> Result<(), pcap_file::PcapError> {
        let Some(interface) = self.interfaces.get(&fate.link) else {
            return Ok(());
        };
        let comment = comment(fate).map(|text| EnhancedPacketOption::Comment(Cow::Owned(text)));
        let block = EnhancedPacketBlock {
            interface_id: *interface,
            timestamp: self.began + now,
            original_len: u32::try_from(packet.len()).unwrap_or(u32::MAX),
            data: Cow::Borrowed(packet),
            options: comment.into_iter().collect(),
        };
        self.writer.write_pcapng_block(block).map(drop)
    }
}

fn comment(fate: &Fate) -> Option<String> {
    let rules: Vec<String> = fate.hit_by.iter().map(ToString::to_string).collect();
    let rules = match rules.as_slice() {
        [] => String::new(),
        rules => format!(" (fault {})", rules.join(", ")),
    };
    match fate.end {
        End::Delivered if fate.hit_by.is_empty() => None,
        End::Delivered => Some(format!("changed{rules}")),
        End::Waits(later) => Some(format!("{:.3} ms later{rules}", later.as_secs_f64() * 1e3)),
        End::Lost => Some(format!("lost{rules}")),
        End::Cut => Some("the link was cut".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::RuleId;
    use pcap_file::pcapng::{Block, PcapNgReader};

    fn name(option: &InterfaceDescriptionOption<'_>) -> Option<String> {
        let InterfaceDescriptionOption::IfName(name) = option else {
            return None;
        };
        Some(name.to_string())
    }

    fn text(option: &EnhancedPacketOption<'_>) -> Option<String> {
        let EnhancedPacketOption::Comment(text) = option else {
            return None;
        };
        Some(text.to_string())
    }

    #[test]
    fn what_was_recorded_is_read_back_with_link_time_and_fate() {
        let link = |ends, name: &str| (ends, name.parse().unwrap());
        let links = [link((0, 1), "n1->n2"), link((2, 0), "clients->n1")];
        let mut file = Vec::new();
        let mut capture = Capture::begin(&mut file, &links, Duration::from_secs(1_000)).unwrap();
        let fates = [
            ((0, 1), End::Delivered, vec![]),
            (
                (2, 0),
                End::Waits(Duration::from_micros(1_500)),
                vec![RuleId(3)],
            ),
            ((3, 0), End::Delivered, vec![]),
            ((0, 1), End::Lost, vec![RuleId(3), RuleId(4)]),
        ];
        for (number, (link, end, hit_by)) in (0..).zip(fates) {
            let fate = Fate { link, end, hit_by };
            let now = Duration::from_millis(number.into());
            capture.record(now, &fate, &[number; 20]).unwrap();
        }
        drop(capture);
        let mut reader = PcapNgReader::new(file.as_slice()).unwrap();
        let (mut names, mut packets) = (Vec::new(), Vec::new());
        while let Some(block) = reader.next_block() {
            let block = block.unwrap().into_owned();
            if let Block::InterfaceDescription(interface) = &block {
                names.extend(interface.options.iter().find_map(name));
            } else if let Block::EnhancedPacket(packet) = &block {
                let ms = packet.timestamp.as_millis() - 1_000_000;
                let comment = packet.options.iter().find_map(text);
                packets.push((packet.interface_id, ms, packet.data[0], comment));
            }
        }
        assert_eq!(names, ["n1->n2", "clients->n1"]);
        let told = |text: &str| Some(text.to_owned());
        let expected = [
            (0, 0, 0, None),
            (1, 1, 1, told("1.500 ms later (fault 3)")),
            (0, 3, 3, told("lost (fault 3, 4)")),
        ];
        assert_eq!(packets, expected);
    }
}
