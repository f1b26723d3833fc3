import MMCore

/// The name that a home's front-ends give themselves at pools: random, kept in the state folder, so that a process which a
/// gateway starts later is known again, and nobody of another home can say the same.
final class HomeName: Sendable {
    private let path: String
    private let known = Mutex<String?>(nil)

    /// The name of the home of these paths. Nothing is read before it is asked for.
    init(_ paths: StatePaths) {
        path = paths.frontEndName
    }

    /// The name, made where there is none yet; `nil` where it can't be kept.
    var text: String? {
        known.withLock { known in
            if known == nil { known = try? kept() }
            return known
        }
    }

    private func kept() throws(MMError) -> String {
        if let name = try read() { return name }
        return try FileLock.with(path) { () throws(MMError) in
            if let name = try read() { return name }
            let name = RandomBytes.text(bytes: 18)
            try ProtectedFile.replace(path, with: Array(name.utf8))
            return name
        }
    }

    private func read() throws(MMError) -> String? {
        guard let bytes = try ProtectedFile.read(path, limit: 256) else { return nil }
        let name = String(decoding: bytes, as: UTF8.self)
        return name.utf8.count >= 18 && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? name : nil
    }
}
