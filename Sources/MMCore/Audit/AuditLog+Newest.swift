import Glibc

extension AuditLog {
    /// Returns the newest matching entries among the end of the log, however long the file is; meant for live views.
    /// - Parameters:
    ///   - limit: the maximum number of entries; long entries may leave room for fewer.
    ///   - window: how many bytes of the log's end are looked at.
    ///   - isIncluded: whether to include an entry.
    /// - Returns: the entries, oldest first.
    package func newest(
        _ limit: Int, within window: Int = 64 << 10, where isIncluded: (JSONObject) -> Bool = { _ in true }
    ) throws(MMError) -> [JSONObject] {
        let parts = try AuditParts(of: path)
        var lines: [ArraySlice<UInt8>] = []
        var left = window
        func add(_ file: Int32, _ path: String) throws(MMError) {
            var status = stat()
            guard fstat(file, &status) == 0, status.st_size > 0 else { return }
            let (size, from) = (Int(status.st_size), max(0, Int(status.st_size) - left))
            left -= size - from
            let bytes = try AuditTail.readBytes(of: file, from: from, count: size - from, path)
            var some = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
            if from > 0, !some.isEmpty { some.removeFirst() }
            lines = some + lines
        }
        if let file = parts.current { try add(file, path) }
        for part in parts.full.reversed() where left > 0 {
            if let file = try AuditParts.open(part) { try add(file.number, part.path) }
        }
        return lines.reversed().lazy.compactMap { (try? JSONParser.parse($0))?.object }.filter(isIncluded)
            .prefix(max(0, limit)).reversed()
    }
}
