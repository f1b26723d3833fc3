import Glibc

/// The files of an audit log at one moment: the full ones, oldest first, and the current one.
///
/// The name of a full file ends with the number of its last line: `audit.jsonl.0000000000000012345`. The chain
/// continues from one file to the next.
struct AuditParts: ~Copyable {
    /// A file that has reached its size limit.
    struct Full: Equatable {
        let path: String
        /// The number of its last line.
        let last: Int64

        /// The file name without its folder.
        var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    }

    /// The full files, oldest first.
    let full: [Full]
    private let file: Descriptor?
    /// The current file, to which lines are appended; `nil` if there is none.
    let current: Int32?

    private static let digits = 19

    /// Opens the log at a path.
    init(of path: String) throws(MMError) {
        var listed = try Self.full(of: path)
        while true {
            var file: Descriptor?
            if let place = try FileLocation.resolve(path, creating: false) {
                file = try place.open(O_RDONLY, to: "read")
            }
            // If the current file was set aside in the meantime, another one has taken its place.
            let again = try Self.full(of: path)
            if again == listed {
                full = listed
                current = file?.number
                self.file = file
                return
            }
            listed = again
        }
    }

    /// Returns the name of a full file.
    static func name(_ path: String, last: Int64) -> String {
        let text = String(last)
        return "\(path).\(String(repeating: "0", count: max(0, digits - text.utf8.count)))\(text)"
    }

    /// Returns the full files of the log at a path, oldest first.
    static func full(of path: String) throws(MMError) -> [Full] {
        guard let slash = path.lastIndex(of: "/") else { return [] }
        let (folder, own) = (String(path[..<slash]), path[path.index(after: slash)...] + ".")
        var found: [Full] = []
        for name in try FolderListing.names(in: folder.isEmpty ? "/" : folder) where name.hasPrefix(own) {
            let number = name.dropFirst(own.count)
            guard number.utf8.count == digits, number.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let last = Int64(number)
            else { continue }
            found.append(Full(path: "\(folder)/\(name)", last: last))
        }
        return found.sorted { $0.last < $1.last }
    }

    /// Opens a full file; `nil` if it no longer exists.
    static func open(_ file: Full) throws(MMError) -> Descriptor? {
        guard let place = try FileLocation.resolve(file.path, creating: false) else { return nil }
        return try place.open(O_RDONLY, to: "read")
    }

    /// Calls `each` with every file, oldest first, until `each` returns `false`.
    borrowing func each(
        _ each: (_ file: Int32, _ full: Full?) throws(MMError) -> Bool
    ) throws(MMError) {
        for part in full {
            guard let file = try Self.open(part) else { continue }
            guard try each(file.number, part) else { return }
        }
        if let number = current { _ = try each(number, nil) }
    }
}
