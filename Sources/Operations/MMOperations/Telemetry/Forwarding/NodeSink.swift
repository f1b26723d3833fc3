import MMCore

/// Gives the lines of a node's audit log to the other nodes of its cluster.
struct NodeSink: AuditSink {
    let lines: any SharedLines
    let origin: String

    func send(_ sent: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        do throws(MMError) { try await lines.add(sent.map { Array($0) }, from: origin) } catch {
            throw AuditSinkFault(error.message)
        }
    }
}
