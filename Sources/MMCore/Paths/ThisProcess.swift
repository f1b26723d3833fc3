import Glibc

/// What the system knows about this process.
package enum ThisProcess {
    /// The login name of the account that it runs as; `nil` for an account that the account database doesn't list.
    package static var accountName: String? { account { $0.pw_name } }

    /// The home folder of that account.
    static var accountHome: String? { account { $0.pw_dir } }

    /// The account for people: its login name, or `uid 1000` for one without a name.
    package static var login: String { accountName ?? "uid \(geteuid())" }

    /// Its working directory; `nil` for a removed one.
    package static var workingDirectory: String? {
        guard let here = getcwd(nil, 0) else { return nil }
        defer { free(here) }
        let path = String(cString: here)
        // The system begins the path of a folder outside of this process's root with “(unreachable)”.
        return path.hasPrefix("/") ? path : nil
    }

    /// The name of the machine that it runs on; `nil` for one without a name.
    package static var hostName: String? {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0, name[0] != 0 else { return nil }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func account(_ field: (passwd) -> UnsafeMutablePointer<CChar>?) -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 << 10) { room in
            guard let start = room.baseAddress,
                getpwuid_r(geteuid(), &entry, start, room.count, &found) == 0, found != nil, let text = field(entry)
            else { return nil }
            return String(cString: text)
        }
    }
}
