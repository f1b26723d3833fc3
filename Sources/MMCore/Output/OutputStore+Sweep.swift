import Glibc

extension OutputStore {
    /// Removes expired answers, the leftovers of killed processes, and the oldest answers beyond the limits.
    func sweep() {
        guard let names = try? FolderListing.names(in: directory) else { return }
        let present = Set(names)
        var kept: [StoredOutput] = []
        for name in names {
            if name.hasSuffix(".json") {
                let handle = String(name.dropLast(5))
                if let stored = try? find(handle) { kept.append(stored) } else { try? remove(handle) }
            } else if name.hasSuffix(".data"), !present.contains(name.dropLast(5) + ".json"), isLeftover(name) {
                try? ProtectedFile.remove("\(directory)/\(name)")
            }
        }
        kept.sort { $0.stored > $1.stored }
        var bytes = 0
        for (position, stored) in kept.enumerated() {
            bytes += stored.bytes
            if position >= limits.count || bytes > limits.total { try? remove(stored.handle) }
        }
    }

    /// Returns whether a file hasn't been written to for an hour: its writer is gone and its handle was never returned.
    private func isLeftover(_ name: String) -> Bool {
        var status = stat()
        guard lstat("\(directory)/\(name)", &status) == 0 else { return false }
        return Glibc.time(nil) - status.st_mtim.tv_sec > 3600
    }
}
