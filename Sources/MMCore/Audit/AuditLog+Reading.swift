import Glibc

/// What became of an audit log.
public struct AuditVerification: Sendable, Hashable {
    /// Whole lines whose seal and place in the chain are right, up to the first broken one.
    public var entries = 0
    /// Lines that a crash cut short, with the chain unbroken around them.
    public var tornLines = 0
    /// The first line that is not what was written.
    public var broken: Broken?
    /// The hash of the last good line.
    public var lastHash = AuditLog.start

    /// Where a chain breaks.
    public struct Broken: Sendable, Hashable {
        /// The line in the file, from 1; one past the last when lines are missing at the end.
        public var line: Int
        /// What is wrong with it.
        public var reason: String
    }

    /// Whether everything is as it was written.
    public var isSound: Bool { broken == nil }
}

extension AuditLog {
    /// Checks every line: seal, number, and link to the line before; and the end against the head file.
    /// - Throws: when the file can't be read. A file that doesn't exist is sound, unless there is a head.
    public func verify() throws(MMError) -> AuditVerification {
        var found = AuditVerification()
        var number: Int64 = 0
        var lineNumber = 0
        var torn: (line: Int, count: Int)?
        // First the head: a line that another process adds meanwhile is then beyond it, not missing.
        let head = try AuditHead.load(beside: path)
        var headSeen = head == nil || head?.number == 0
        try lines { bytes in
            lineNumber += 1
            if bytes.isEmpty { return true }
            guard let line = AuditLine(bytes) else {
                torn = (torn?.line ?? lineNumber, (torn?.count ?? 0) + 1)
                return true
            }
            if let cut = torn {
                guard line.entry["afterTorn"] == true, line.previous == found.lastHash, line.number == number + 1 else {
                    found.broken = .init(line: cut.line, reason: "was changed, or is no line of the log")
                    return false
                }
                found.tornLines += cut.count
                torn = nil
            }
            guard line.number == number + 1 else {
                found.broken = .init(line: lineNumber, reason: "has number \(line.number) where \(number + 1) is due")
                return false
            }
            guard line.previous == found.lastHash else {
                found.broken = .init(line: lineNumber, reason: "doesn't continue the line before it")
                return false
            }
            number = line.number
            found.lastHash = line.hash
            found.entries += 1
            if let head, head.number == number {
                guard head.hash == line.hash else {
                    found.broken = .init(line: lineNumber, reason: "isn't the line that was written under its number")
                    return false
                }
                headSeen = true
            }
            return true
        }
        if found.broken != nil { return found }
        if !headSeen, let head {
            let line = torn?.line ?? lineNumber + 1
            found.broken = .init(line: line, reason: "is changed or missing: there were \(head.number) entries")
        } else {
            // A torn last line is what a crash leaves; the next entry will say so.
            found.tornLines += torn?.count ?? 0
        }
        return found
    }

    /// The newest entries that fit.
    /// - Parameters:
    ///   - most: how many.
    ///   - fits: which ones.
    /// - Returns: oldest first, as they were written.
    public func entries(most: Int = 100, where fits: (JSONObject) -> Bool = { _ in true }) throws(MMError)
        -> [JSONObject]
    {
        var kept: [JSONObject] = []
        try lines { bytes in
            if let value = try? JSONParser.parse(bytes), let entry = value.object, fits(entry) {
                kept.append(entry)
                if kept.count >= max(1, most) * 2 { kept.removeFirst(kept.count - max(1, most)) }
            }
            return true
        }
        return Array(kept.suffix(max(0, most)))
    }

    /// Hands over each line without its newline, until told to stop. The file may be larger than memory.
    private func lines(_ each: (ArraySlice<UInt8>) -> Bool) throws(MMError) {
        guard let place = try FilePlace.of(path, creating: false), let file = try place.open(O_RDONLY, to: "read")
        else {
            return
        }
        var held: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = Glibc.read(file.number, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileFault.error(errno, "read", path) }
            if count == 0 { break }
            var start = 0
            while let end = chunk[start..<count].firstIndex(of: 0x0A) {
                held += chunk[start..<end]
                start = end + 1
                guard each(held[...]) else { return }
                held.removeAll(keepingCapacity: true)
            }
            held += chunk[start..<count]
        }
        if !held.isEmpty { _ = each(held[...]) }
    }
}
