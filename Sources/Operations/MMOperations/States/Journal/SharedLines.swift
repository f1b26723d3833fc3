package import MMCore
import MMSystem

/// A store in which processes on several machines share lines of the journal or the audit log until each has its own
/// copy.
package protocol SharedLines: Sendable {
    /// Appends lines.
    /// - Parameter origin: the origin of the lines.
    /// - Throws: `unavailable`; the lines may have been added all the same.
    func add(_ lines: [[UInt8]], from origin: String) async throws(MMError)
    /// Returns the lines after a mark, the oldest first, some hundred at a time.
    /// - Parameter mark: the mark of the last line that was read; `nil` for the beginning.
    /// - Throws: `unavailable`.
    func following(_ mark: String?) async throws(MMError) -> [SharedLine]
    /// Returns the newest lines, the newest first.
    /// - Parameter mark: the mark of the line before which to read; `nil` for the end.
    /// - Throws: `unavailable`.
    func preceding(_ mark: String?) async throws(MMError) -> [SharedLine]
}

/// A line that another process may have written.
package struct SharedLine: Sendable, Hashable {
    /// The line's position among all lines.
    package let mark: String
    /// The name of the state folder that wrote it.
    package let origin: String
    /// The line's content.
    package let bytes: [UInt8]

    package init(mark: String, origin: String, bytes: [UInt8]) {
        (self.mark, self.origin, self.bytes) = (mark, origin, bytes)
    }
}

/// The name of a state folder among those that share lines; it stays the same across restarts.
package enum LineOrigin {
    /// Returns the name, which is created at the first call.
    /// - Throws: an error where it can't be written.
    package static func name(of paths: StatePaths) throws(MMError) -> String {
        let bytes = try ProtectedFile.kept(
            at: "\(paths.stateDirectory)/journal/origin", limit: 256, isSound: { !$0.isEmpty }
        ) { Array(RandomBytes.text(bytes: 9).utf8) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Shares the journal's lines between all nodes of a cluster: each node hands its own lines to the others and copies
/// theirs, so that a change can be taken back at any node, also when the node that made it is gone.
package final class JournalExchange: Sendable {
    private let lines: any SharedLines
    /// The store in which changes are claimed before they are taken back.
    let claims: (any ChangeClaims)?
    private let origin: String
    private let markFile: String
    /// The lines that could not be handed over yet.
    private let waiting = Mutex<[[UInt8]]>([])
    /// The maximum number of waiting lines; the oldest are dropped.
    private static let most = 10_000

    /// Creates an exchange.
    /// - Parameters:
    ///   - lines: the store in which the nodes share lines.
    ///   - claims: the store in which they claim changes before they take them back.
    ///   - origin: the origin of this node's own lines.
    ///   - paths: the paths of this node's state folder.
    package init(_ lines: any SharedLines, _ claims: (any ChangeClaims)?, from origin: String, paths: StatePaths) {
        (self.lines, self.claims, self.origin) = (lines, claims, origin)
        markFile = "\(paths.stateDirectory)/journal/copied"
    }

    /// Hands a line to the other nodes; a line that can't be handed over now goes with the next one.
    func tell(_ line: [UInt8]) async {
        waiting.withLock { waiting in
            if waiting.count >= Self.most { waiting.removeFirst() }
            waiting.append(line)
        }
        await flush()
    }

    private func flush() async {
        let all = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        guard !all.isEmpty else { return }
        do throws(MMError) { try await lines.add(all, from: origin) } catch {
            waiting.withLock { $0 = Array((all + $0).suffix(Self.most)) }
        }
    }

    /// Copies the lines that other nodes have written since the last copy.
    /// - Parameter append: writes lines to this folder's journal.
    /// - Throws: the error that stops it; lines that were copied before stay.
    func copy(_ append: @Sendable ([[UInt8]]) async throws(MMError) -> Void) async throws(MMError) {
        await flush()
        let lock = try await FileLock(awaiting: markFile)
        let copied = await Result { () async throws(MMError) in try await copyRest(append) }
        _ = consume lock
        try copied.get()
    }

    private func copyRest(_ append: @Sendable ([[UInt8]]) async throws(MMError) -> Void) async throws(MMError) {
        var mark = try ProtectedFile.read(markFile, limit: 256).map { String(decoding: $0, as: UTF8.self) }
        while true {
            let found = try await lines.following(mark)
            guard let last = found.last else { return }
            let others = found.filter { $0.origin != origin }.map(\.bytes)
            if !others.isEmpty { try await append(others) }
            mark = last.mark
            // If the mark is lost, lines are copied twice, which does no harm: the journal reads each once.
            try ProtectedFile.replace(markFile, with: Array(last.mark.utf8), durable: false)
        }
    }
}
