import Glibc
import MMCore
import MMSystem

/// What a connected host reveals about itself: whether it is this machine, by whichever name, address or route it was
/// reached, and whether an account there can read this user's own files.
///
/// Names and addresses prove nothing: an alias, a jump host or a forwarded port may lead back to this machine. The
/// kernel's boot id is the same on this machine and in its containers. The content of a private file is known only
/// where the file can be read, which includes containers and other machines that share the home folder.
package struct HostIdentity: Sendable, Hashable {
    /// Whether the host runs under this machine's kernel.
    package let isThisMachine: Bool
    /// Whether the account there can read a private file of this user.
    package let reachesOwnFiles: Bool

    /// A private file that proves access to this user's files: its path and its content.
    package struct Marker: Sendable, Hashable {
        /// The path on this machine.
        package let path: String
        /// The unguessable content.
        package let text: String

        /// The path from the home folder on, which finds the file if that folder is elsewhere.
        let inHome: String?

        /// Describes an existing file.
        package init(path: String, text: String, home: String? = nil) {
            self.path = path
            self.text = text
            inHome = home.flatMap { path.hasPrefix($0 + "/") ? String(path.dropFirst($0.utf8.count)) : nil }
        }
    }

    /// Whether actions on the host affect this user's own files and programs.
    package var isHere: Bool { isThisMachine || reachesOwnFiles }

    private static let bootFile = "/proc/sys/kernel/random/boot_id"
    private static let machineFile = "/etc/machine-id"

    /// Asks a host.
    /// - Parameter run: runs a script there and returns its output; `nil` if the host runs none.
    /// - Returns: `nil` for a host that runs no scripts.
    static func of(_ marker: Marker, by run: (String) async -> [UInt8]?) async -> HostIdentity? {
        let script = """
            (echo mm-host; cat \(bootFile) 2>/dev/null || echo; cat \(machineFile) 2>/dev/null || echo; \
            \(search(marker))) 2>/dev/null
            """
        guard let output = await run(script) else { return nil }
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
        // A start-up file may have printed something first.
        guard let start = lines.firstIndex(of: "mm-host") else { return nil }
        return told(Set(lines[(start + 1)...]), marker)
    }

    /// Looks at the files that an account without a shell can read.
    /// - Returns: `nil` if none of them says anything, as in a folder that the account can't leave.
    static func of(_ marker: Marker, in files: SFTPChannel) async -> HostIdentity? {
        var said: Set<String> = []
        // A relative path starts from the account's home folder.
        let inHome = marker.inHome.map { String($0.dropFirst()) }
        for path in [bootFile, machineFile, marker.path] + [inHome].compactMap({ $0 }) {
            guard let piece = try? await files.read(path, from: 0, limit: 256, most: 256) else { continue }
            said.insert(String(decoding: piece.bytes, as: UTF8.self).filter { !$0.isWhitespace })
        }
        return said.isEmpty ? nil : told(said, marker)
    }

    private static func told(_ said: Set<String>, _ marker: Marker) -> HostIdentity {
        let own = [bootFile, machineFile].compactMap { path -> String? in
            let text = ProcFile.read(path, limit: 256).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let word = text.filter { !$0.isWhitespace }
            return word.utf8.count >= 16 ? word : nil
        }
        return HostIdentity(
            isThisMachine: own.contains(where: said.contains), reachesOwnFiles: said.contains(marker.text))
    }

    /// Returns the script that looks for the file at its path here, in the account's home folder, and in each local
    /// file system that is mounted there, at its root or as a home folder: a container may have this user's home
    /// anywhere. Other file systems are skipped because they may not respond for a long time.
    private static func search(_ marker: Marker) -> String {
        let inHome = RemoteDialect.quoted(marker.inHome ?? marker.path)
        return """
            mm_look() { if [ -r "$1" ]; then cat -- "$1" 2>/dev/null; fi; }; mm_look \(RemoteDialect.quoted(marker.path)); \
            mm_look "$HOME"\(inHome); \
            { while read -r mm_a mm_b mm_c mm_d; do case $mm_c in ext*|xfs|btrfs|zfs|overlay|tmpfs|f2fs|virtiofs|9p) \
            mm_look "$mm_b"\(inHome); mm_look "$mm_b"\(RemoteDialect.quoted(marker.path));; esac; done; } \
            </proc/self/mounts 2>/dev/null; echo
            """
    }

    /// Returns what the address alone proves about a host that runs no scripts: it is this machine's if it can be bound
    /// here.
    static func byAddress(_ name: String) async -> HostIdentity {
        // user@host:port
        let host = name.split(separator: "@").last.map(String.init) ?? name
        let bare = host.lastIndex(of: ":").map { String(host[..<$0]) } ?? host
        let isOwn = (try? await BlockingWork.run { isOwnAddress(bare) }) ?? true
        return HostIdentity(isThisMachine: isOwn, reachesOwnFiles: isOwn)
    }

    /// Returns whether a name leads to an address of this machine: only such an address can be bound.
    private static func isOwnAddress(_ host: String) -> Bool {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return false }
        defer { freeaddrinfo(list) }
        var entry = list
        while let current = entry {
            let descriptor = socket(current.pointee.ai_family, Int32(SOCK_STREAM.rawValue), 0)
            if descriptor >= 0 {
                defer { close(descriptor) }
                if bind(descriptor, current.pointee.ai_addr, current.pointee.ai_addrlen) == 0 { return true }
            }
            entry = current.pointee.ai_next
        }
        return false
    }
}

/// The host keys of this machine: those of its own SSH server, and those that this user's known hosts list under this
/// machine's names. A host behind others that runs no scripts can be recognised only by its key.
package struct HostKeys: Sendable, Hashable {
    /// The fingerprints of the keys, as ssh writes them.
    package let fingerprints: Set<String>

    /// Reads keys in the form of `ssh_host_…_key.pub` and of `known_hosts`.
    /// - Parameters:
    ///   - publicKeys: the texts of public keys.
    ///   - knownHosts: texts of known hosts; entries for this machine's names count, hashed ones as well.
    ///   - names: this machine's names.
    package init(publicKeys: [String], knownHosts: [String] = [], names: Set<String> = []) {
        let own = publicKeys.flatMap { $0.split(separator: "\n") }.compactMap { line -> String? in
            let words = line.split(separator: " ")
            return words.count >= 2 ? Self.fingerprint(words[1]) : nil
        }
        let seen = knownHosts.flatMap { $0.split(separator: "\n") }.compactMap { line -> String? in
            let words = line.split(separator: " ")
            guard words.count >= 3, !line.hasPrefix("#"), !line.hasPrefix("@"),
                words[0].split(separator: ",").contains(where: { Self.isName($0, of: names) })
            else { return nil }
            return Self.fingerprint(words[2])
        }
        fingerprints = Set(own + seen)
    }

    /// Returns the keys of this machine.
    /// - Parameter home: the user's home folder.
    static func ofThisMachine(home: String?) -> HostKeys {
        func text(_ path: String) -> String? {
            ProcFile.read(path, limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
        }
        let keys = ["ed25519", "ecdsa", "rsa", "dsa"].compactMap { text("/etc/ssh/ssh_host_\($0)_key.pub") }
        let known = ["/etc/ssh/ssh_known_hosts"] + (home.map { ["\($0)/.ssh/known_hosts"] } ?? [])
        var names: Set<String> = ["localhost", "127.0.0.1", "::1", "localhost.localdomain"]
        if let own = ThisProcess.hostName { names.insert(own.lowercased()) }
        return HostKeys(publicKeys: keys, knownHosts: known.compactMap(text), names: names)
    }

    /// Returns whether an entry of `known_hosts` is one of some names: in plain text, or hashed as `|1|SALT|HASH`, as
    /// on many systems.
    private static func isName(_ entry: Substring, of names: Set<String>) -> Bool {
        guard entry.hasPrefix("|1|") else { return names.contains(entry.lowercased()) }
        let parts = entry.dropFirst(3).split(separator: "|", omittingEmptySubsequences: false)
        guard parts.count == 2, let salt = Base64.bytes(String(parts[0])), let hash = Base64.bytes(String(parts[1]))
        else { return false }
        return names.contains { HMAC.sha1(Array($0.utf8), key: salt) == hash }
    }

    private static func fingerprint(_ key: Substring) -> String? {
        guard let bytes = Base64.bytes(String(key)), bytes.count >= 32 else { return nil }
        return "SHA256:" + Base64.text(SHA256.digest(bytes)).filter { $0 != "=" }
    }

    /// Returns the fingerprint that ssh has written to its log.
    static func told(in log: String) -> String? {
        let text = String(decoding: ProcFile.read(log, limit: 64 << 10) ?? [], as: UTF8.self)
        guard let mark = text.firstRange(of: "Server host key: ") else { return nil }
        // ssh ends its lines with CR LF, which Swift treats as one character.
        let words = text[mark.upperBound...].prefix { !$0.isNewline }.split(separator: " ")
        return words.count >= 2 ? String(words[1]) : nil
    }
}
