import Glibc

extension AuditLog {
    /// The newest entries, for those who watch: only the end of the file is read, however long it has become.
    /// - Parameters:
    ///   - most: how many; fewer come where they are long.
    ///   - fits: which ones.
    /// - Returns: oldest first, as they were written.
    package func newest(
        _ most: Int, where fits: (JSONObject) -> Bool = { _ in true }
    ) throws(MMError) -> [JSONObject] {
        guard let place = try FilePlace.of(path, creating: false), let file = try place.open(O_RDONLY, to: "read"),
            let size = file.status().map({ Int($0.st_size) }), size > 0
        else { return [] }
        let from = max(0, size - (64 << 10))
        let bytes = try AuditTail.part(of: file.number, from: from, count: size - from, path)
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
        if from > 0, !lines.isEmpty { lines.removeFirst() }
        return lines.reversed().lazy.compactMap { (try? JSONParser.parse($0))?.object }.filter(fits)
            .prefix(max(0, most)).reversed()
    }
}
