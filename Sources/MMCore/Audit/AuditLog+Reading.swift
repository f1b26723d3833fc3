import Glibc

/// The result of verifying an audit log.
public struct AuditVerification: Sendable, Hashable {
    /// The number of intact lines before the first broken one.
    public var entries = 0
    /// The number of lines that a crash cut short while the chain around them is unbroken.
    public var tornLines = 0
    /// The lines that were written when the head beside the log was gone: what was cut off before each is not known.
    public var lostHeads: [Int64] = []
    /// The first line that differs from what was written.
    public var broken: Broken?
    /// The number of full files that were looked at besides the one that grows.
    public var fullFiles = 0
    /// The hash of the last good line.
    public var lastHash = AuditLog.start

    /// A place where the chain breaks.
    public struct Broken: Sendable, Hashable {
        /// The line number in the file, from 1; one past the last line when lines are missing at the end.
        public var line: Int
        /// The name of the full file that it stands in; `nil` for the one that grows.
        public var file: String?
        /// What is wrong with the line.
        public var reason: String
    }

    /// Whether the log is exactly what was written.
    public var isSound: Bool { broken == nil }
}

extension AuditLog {
    /// Checks the hash, number and link of every line, and the end of the log against the head file.
    /// - Throws: an error when the file can't be read. A missing file is sound unless a head file exists.
    public func verify() throws(MMError) -> AuditVerification {
        var found = AuditVerification()
        var number: Int64 = 0
        var lineNumber = 0
        var torn: (line: Int, count: Int, file: String?)?
        var part: String?
        // Read the head first: a line that another process appends meanwhile is then newer than the head, not missing.
        let head = try AuditHead.load(beside: path)
        var headSeen = head == nil || head?.number == 0
        try lines { file, bytes in
            if file != part {
                (lineNumber, part) = (0, file)
                if file != nil { found.fullFiles += 1 }
            }
            lineNumber += 1
            if bytes.isEmpty { return true }
            guard let line = AuditLine(bytes) else {
                torn = (torn?.line ?? lineNumber, (torn?.count ?? 0) + 1, torn?.file ?? part)
                return true
            }
            if let cut = torn {
                guard line.entry["afterTorn"] == true, line.previous == found.lastHash, line.number == number + 1 else {
                    found.broken = .init(
                        line: cut.line, file: cut.file, reason: "was changed, or isn't a line of the log")
                    return false
                }
                found.tornLines += cut.count
                torn = nil
            }
            guard line.number == number + 1 else {
                found.broken = .init(
                    line: lineNumber, file: part,
                    reason: "has number \(line.number) where number \(number + 1) is expected")
                return false
            }
            guard line.previous == found.lastHash else {
                found.broken = .init(line: lineNumber, file: part, reason: "doesn't continue the line before it")
                return false
            }
            number = line.number
            if line.entry["afterLostHead"] == true { found.lostHeads.append(number) }
            found.lastHash = line.hash
            found.entries += 1
            if let head, head.number == number {
                guard head.hash == line.hash else {
                    found.broken = .init(
                        line: lineNumber, file: part, reason: "isn't the line that was written under its number")
                    return false
                }
                headSeen = true
            }
            return true
        }
        if found.broken != nil { return found }
        // What is missing is missing from the end of the file that grows.
        if part != nil { lineNumber = 0 }
        if head == nil, number > 1 {
            found.broken = .init(
                line: lineNumber + 1,
                reason: "can't be told from a line that was cut off: the head beside the log is gone")
        } else if !headSeen, let head {
            let line = torn?.line ?? lineNumber + 1
            found.broken = .init(
                line: line, file: torn?.file, reason: "is changed or missing: there were \(head.number) entries")
        } else {
            // A crash leaves a torn last line; the next entry will be marked `afterTorn`.
            found.tornLines += torn?.count ?? 0
        }
        return found
    }

    /// Returns the newest matching entries of the whole log.
    /// - Parameters:
    ///   - limit: the maximum number of entries.
    ///   - isIncluded: whether to include an entry.
    /// - Returns: the entries, oldest first.
    public func entries(limit: Int = 100, where isIncluded: (JSONObject) -> Bool = { _ in true }) throws(MMError)
        -> [JSONObject]
    {
        var kept: [JSONObject] = []
        try lines { _, bytes in
            if let value = try? JSONParser.parse(bytes), let entry = value.object, isIncluded(entry) {
                kept.append(entry)
                if kept.count >= max(1, limit) * 2 { kept.removeFirst(kept.count - max(1, limit)) }
            }
            return true
        }
        return Array(kept.suffix(max(0, limit)))
    }

    /// Calls `each` with every line, without its newline, and the name of the full file that it stands in, until it returns
    /// `false`. The files may be larger than memory.
    private func lines(_ each: (_ file: String?, ArraySlice<UInt8>) -> Bool) throws(MMError) {
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        try AuditParts(of: path).each { (file, full) throws(MMError) -> Bool in
            let name = full?.name
            var held: [UInt8] = []
            while true {
                let count = Glibc.read(file, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw FileFault.error(errno, "read", full?.path ?? path) }
                if count == 0 { break }
                var start = 0
                while let end = chunk[start..<count].firstIndex(of: 0x0A) {
                    held += chunk[start..<end]
                    start = end + 1
                    guard each(name, held[...]) else { return false }
                    held.removeAll(keepingCapacity: true)
                }
                held += chunk[start..<count]
            }
            return held.isEmpty || each(name, held[...])
        }
    }
}
