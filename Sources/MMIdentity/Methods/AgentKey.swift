internal import Glibc
internal import MMCore

/// A key that the agent of Azure Arc leaves in its folder, for those whom it lets read there. The file is the agent's user's,
/// which is neither ours nor root's, so that its place and not its owner says that it is one.
struct AgentKey: Sendable {
    let folder: String
    let name: String

    private static let limit = 4096

    /// The key that a challenge names; nil for one that names something else.
    init?(folder: String, challenge: String) {
        guard let mark = challenge.lowercased().firstRange(of: "realm=") else { return nil }
        let path = challenge[mark.upperBound...].filter { $0 != "\"" }
        // Only its own folder's keys: another file's content would be sent to whoever answers there.
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard name.hasSuffix(".key"), name.utf8.count > ".key".utf8.count else { return nil }
        self.folder = folder
        self.name = name
    }

    /// The key itself.
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
            hint: "Add this user to the group himds, then sign in to the machine anew.")
    }
}
