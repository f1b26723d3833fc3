package import MMCore

/// The last directories of shell sessions, in a file: a later session of the same name goes on in its directory, and
/// says that it is another one.
package actor SavedShellDirectories {
    private struct Entry: Hashable {
        var directory: String
        var savedAt: Timestamp
    }

    private let path: String
    private let log: Log
    private let clock: WallClock
    /// What the file says, once it has been read: only this process writes it.
    private var kept: [String: Entry]?
    /// How often a session, or all of an owner, were forgotten: a command that began before then records nothing.
    private var closings: [String: Int] = [:]

    /// The age at which the time of an entry is renewed although its directory stays the same.
    private static let renewal = Duration.seconds(60)
    /// The maximum number of sessions.
    private static let most = 1000

    /// Creates the directories in a file, which need not exist.
    package init(path: String, log: Log, clock: WallClock = .system) {
        self.path = path
        self.log = log
        self.clock = clock
    }

    /// Returns the last directory of a session; `nil` if there was none, or no command ended in it for so long.
    func directory(of key: ShellSessionName, within idle: Duration) -> String? {
        entries()[Self.name(key)].flatMap { clock.now - $0.savedAt < idle ? $0.directory : nil }
    }

    /// Returns how often a session was forgotten so far.
    func closings(of key: ShellSessionName) -> Int { (closings[Self.name(key)] ?? 0) + (closings[key.owner] ?? 0) }

    /// Records the directory in which a command has ended, unless its session was forgotten meanwhile.
    /// - Parameter closings: how often it was forgotten when the command began.
    func record(_ directory: String, of key: ShellSessionName, since closings: Int) {
        guard self.closings(of: key) == closings else { return }
        var entries = entries()
        let (name, now) = (Self.name(key), clock.now)
        if let entry = entries[name], entry.directory == directory, now - entry.savedAt <= Self.renewal { return }
        entries[name] = Entry(directory: directory, savedAt: now)
        if entries.count > Self.most, let oldest = entries.min(by: { $0.value.savedAt < $1.value.savedAt }) {
            entries[oldest.key] = nil
        }
        write(entries)
    }

    /// Forgets a session that was closed.
    func forget(_ key: ShellSessionName) {
        noteClosing(of: Self.name(key))
        var entries = entries()
        if entries.removeValue(forKey: Self.name(key)) != nil { write(entries) }
    }

    /// Forgets the sessions of an owner.
    func forget(owner: String) {
        noteClosing(of: owner)
        let entries = entries()
        let rest = entries.filter { !$0.key.hasPrefix("\(owner) ") }
        if rest.count < entries.count { write(rest) }
    }

    private func noteClosing(of name: String) {
        if closings.count >= Self.most { closings = [:] }
        closings[name, default: 0] += 1
    }

    // MARK: The file

    private static func name(_ key: ShellSessionName) -> String { "\(key.owner) \(key.place.rawValue) \(key.name)" }

    private func entries() -> [String: Entry] {
        let all = kept ?? read()
        kept = all
        return all
    }

    private func read() -> [String: Entry] {
        guard let bytes = try? ProtectedFile.read(path) else { return [:] }
        var entries: [String: Entry] = [:]
        for (name, item) in (try? JSONParser.parse(bytes))?.object ?? [:] {
            guard let directory = item["directory"]?.string,
                let savedAt = item["saved_at"]?.string.flatMap({ Timestamp(iso8601: $0) })
            else { continue }
            entries[name] = Entry(directory: directory, savedAt: savedAt)
        }
        return entries
    }

    private func write(_ entries: [String: Entry]) {
        kept = entries
        var members = JSONObject()
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            members[name] = ["directory": .string(entry.directory), "saved_at": .string(entry.savedAt.iso8601)]
        }
        do throws(MMError) {
            try ProtectedFile.replace(path, with: JSONWriter.bytes(.object(members)), durable: false)
        } catch {
            // The command itself has ended as it should.
            log.warning("the directories of shells could not be saved: \(error.message)")
        }
    }
}

extension OperationServices {
    /// Keeps the directories of shells in a file from now on, beside the list of sessions that are restored.
    package func saveShellDirectories() async {
        let only = environment["M365_CONNECTION"].flatMap { $0.isEmpty ? nil : $0 }
        await shells.keep(SavedShellDirectories(path: paths.shellsFile(of: only), log: log))
    }
}
