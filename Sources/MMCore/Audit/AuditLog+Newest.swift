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
        guard let place = try FileLocation.resolve(path, creating: false),
            let file = try place.open(O_RDONLY, to: "read"),
            let size = file.status().map({ Int($0.st_size) }), size > 0
        else { return [] }
        let from = max(0, size - window)
        let bytes = try AuditTail.readBytes(of: file.number, from: from, count: size - from, path)
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
        if from > 0, !lines.isEmpty { lines.removeFirst() }
        return lines.reversed().lazy.compactMap { (try? JSONParser.parse($0))?.object }.filter(isIncluded)
            .prefix(max(0, limit)).reversed()
    }
}
