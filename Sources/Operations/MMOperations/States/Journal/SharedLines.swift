package import MMCore
import MMSystem

/// Where processes on several machines keep lines for each other until each has its own copy: those of the journal, those of the
/// audit log.
package protocol SharedLines: Sendable {
    /// Adds lines behind those that stand there.
    /// - Parameter origin: whose lines they are.
    /// - Throws: `unavailable`; they may stand there then.
    func add(_ lines: [[UInt8]], from origin: String) async throws(MMError)
    /// The lines behind a mark, the oldest first, some hundred at a time.
    /// - Parameter mark: that of the last line that was read; `nil` for the beginning.
    /// - Throws: `unavailable`.
    func following(_ mark: String?) async throws(MMError) -> [SharedLine]
    /// The newest lines, the newest first.
    /// - Parameter mark: that of the line before which they stand; `nil` for the end.
    /// - Throws: `unavailable`.
    func preceding(_ mark: String?) async throws(MMError) -> [SharedLine]
}

/// A line that another process may have written.
package struct SharedLine: Sendable, Hashable {
    /// Its place among all lines.
    package let mark: String
    /// Whose it is.
    package let origin: String
    /// What it says.
    package let bytes: [UInt8]

    package init(mark: String, origin: String, bytes: [UInt8]) {
        (self.mark, self.origin, self.bytes) = (mark, origin, bytes)
    }
}

/// A state folder's name among those that share lines: it stays the same over restarts.
package enum LineOrigin {
    /// The name.
    /// - Throws: an error where it can't be written.
    package static func name(of paths: StatePaths) throws(MMError) -> String {
        let path = "\(paths.stateDirectory)/journal/origin"
        if let name = try read(path) { return name }
        let lock = try FileLock(waitingFor: path)
        let name = try read(path) ?? RandomBytes.text(bytes: 9)
        try ProtectedFile.replace(path, with: Array(name.utf8))
        _ = consume lock
        return name
    }

    private static func read(_ path: String) throws(MMError) -> String? {
        guard let bytes = try ProtectedFile.read(path, limit: 256), !bytes.isEmpty else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The journal's lines of all nodes of a cluster: each hands its own to the others and copies theirs, so that what one has changed can
/// be taken back at any of them, also when it is gone.
package final class JournalExchange: Sendable {
    private let lines: any SharedLines
    /// Where changes are claimed before they are taken back.
    let claims: (any ChangeClaims)?
    private let origin: String
    private let markFile: String
    /// Lines that could not be handed over yet.
    private let waiting = Mutex<[[UInt8]]>([])
    /// How many of those are kept; the oldest go.
    private static let most = 10_000

    /// An exchange.
    /// - Parameters:
    ///   - lines: where the nodes share them.
    ///   - claims: where they claim changes before they take them back.
    ///   - origin: what this node's own are known by.
    ///   - paths: of this node.
    package init(_ lines: any SharedLines, _ claims: (any ChangeClaims)?, from origin: String, paths: StatePaths) {
        (self.lines, self.claims, self.origin) = (lines, claims, origin)
        markFile = "\(paths.stateDirectory)/journal/copied"
    }

    /// Hands a line to the others; one that can't be handed over now goes with the next.
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

    /// Copies what others have written since.
    /// - Parameter append: writes lines to this folder's journal.
    /// - Throws: what stops it; what was copied by then stays.
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
            // Lines that are copied twice are read once.
            try ProtectedFile.replace(markFile, with: Array(last.mark.utf8), durable: false)
        }
    }
}
