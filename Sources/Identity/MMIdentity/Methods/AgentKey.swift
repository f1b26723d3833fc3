internal import Glibc
internal import MMCore

/// A key that the agent of Azure Arc places in its folder, for those who may read there. The file belongs to the
/// agent's user, which is neither this user nor root, so its folder vouches for it instead of its owner.
struct AgentKey: Sendable {
    let folder: String
    let name: String

    private static let limit = 4096

    /// Finds the key that a challenge names; `nil` if it doesn't name a key.
    init?(folder: String, challenge: String) {
        guard let mark = challenge.lowercased().firstRange(of: "realm=") else { return nil }
        let path = challenge[mark.upperBound...].filter { $0 != "\"" }
        // Accept only keys from the agent's own folder; another file's content would be sent to whoever answers there.
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard name.hasSuffix(".key"), name.utf8.count > ".key".utf8.count else { return nil }
        self.folder = folder
        self.name = name
    }

    /// Reads the key.
    /// - Throws: `forbidden` when the file can't be read.
    func read() throws(MMError) -> Secret {
        let path = "\(folder)/\(name)"
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var status = stat()
        var room = [UInt8](repeating: 0, count: Self.limit + 1)
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw unreadable(path) }
        let count = Glibc.read(descriptor, &room, room.count)
        guard count > 0, count <= Self.limit, room[..<count].allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw unreadable(path)
        }
        return Secret(String(decoding: room[..<count], as: UTF8.self))
    }

    private func unreadable(_ path: String) -> MMError {
        MMError(
            .forbidden, "The key that the agent of Azure Arc left can't be read: \(path).",
            hint: "Add this user to the group himds, then log in to the machine again.")
    }
}
