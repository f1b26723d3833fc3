package import MMCore

/// The lines of the journal and the audit log that the nodes of a cluster share.
package struct ClusterLines: Sendable {
    /// The exchange of journal lines.
    package let journal: JournalExchange
    /// The shared lines of the audit log.
    package let audit: any SharedLines
    /// The name of this node in its own lines.
    package let origin: String

    /// - Throws: an error if this state folder can't be given a name.
    package init(
        journal: any SharedLines, claims: any ChangeClaims, audit: any SharedLines, paths: StatePaths
    ) throws(MMError) {
        origin = try LineOrigin.name(of: paths)
        self.journal = JournalExchange(journal, claims, from: origin, paths: paths)
        self.audit = audit
    }

    /// The sink that gives the lines of this node's audit log to the other nodes.
    package var sink: any AuditSink { NodeSink(lines: audit, origin: origin) }
}

/// A sink that sends the lines of a node's audit log to the other nodes of its cluster.
struct NodeSink: AuditSink {
    let lines: any SharedLines
    let origin: String

    func send(_ sent: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        do throws(MMError) { try await lines.add(sent.map { Array($0) }, from: origin) } catch {
            throw AuditSinkFault(error.message)
        }
    }
}
