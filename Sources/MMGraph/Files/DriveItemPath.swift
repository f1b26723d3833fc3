internal import MMCore

/// The file or folder of a drive that an endpoint names, by id or by path: `/me/drive/root:/Reports/a.pdf:/content`,
/// `/drives/ID/items/ID/children`.
struct DriveItemPath: Sendable, Hashable {
    /// The encoded path of the item that names are counted from: `/v1.0/me/drive/root`.
    private let anchor: String
    /// Whether that item is a known folder, as a drive's root is.
    private let startsAtFolder: Bool
    /// The names below it.
    private(set) var names: [String]
    /// What stands behind the item: `content`, `children`.
    private(set) var suffix: [String]

    /// Reads an endpoint; `nil` when it names no item of a drive.
    init?(_ target: RequestTarget) {
        guard target.service == .graph, let version = target.version else { return nil }
        let segments = target.segments
        let words = segments.map { $0.lowercased() }
        func encoded(_ segments: some Sequence<String>) -> String {
            segments.map { "/" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte) }.joined()
        }
        var end: Int
        let isOpen: Bool
        if let item = words.firstIndex(where: { $0 == "driveitem" || $0 == "driveitem:" }) {
            (end, isOpen, startsAtFolder) = (item + 1, words[item].hasSuffix(":"), false)
        } else {
            guard let drive = words.firstIndex(where: { $0 == "drive" || $0 == "drives" }) else { return nil }
            let place = drive + (words[drive] == "drive" ? 1 : 2)
            guard place < words.count else { return nil }
            switch words[place] {
            case "root", "root:": (end, isOpen, startsAtFolder) = (place + 1, words[place].hasSuffix(":"), true)
            case "items", "special":
                guard place + 1 < words.count else { return nil }
                let isSpecial = words[place] == "special"
                (end, isOpen, startsAtFolder) = (place + 2, words[place + 1].hasSuffix(":"), isSpecial)
            default: return nil
            }
        }
        var start = segments[..<end]
        if isOpen { start[end - 1] = String(start[end - 1].dropLast()) }
        anchor = "/" + version + encoded(start)
        var found: [String] = []
        if isOpen {
            while end < segments.count {
                let name = segments[end]
                end += 1
                let closes = name.hasSuffix(":")
                let plain = closes ? String(name.dropLast()) : name
                if !plain.isEmpty { found.append(plain) }
                if closes { break }
            }
        }
        names = found
        suffix = segments[end...].map { $0.lowercased() }
        guard suffix.count <= 1 else { return nil }
    }

    /// Whether the endpoint names a folder that a file goes into, rather than the file.
    var isFolder: Bool { suffix == ["children"] || (names.isEmpty && startsAtFolder) }

    /// The item itself, without what stands behind it.
    var withoutSuffix: DriveItemPath {
        var path = self
        path.suffix = []
        return path
    }

    /// Returns the item of a name below this one.
    func below(_ name: String) -> DriveItemPath {
        var path = self
        path.names.append(contentsOf: name.split(separator: "/").map(String.init))
        return path
    }

    /// Returns the endpoint of the item, or of what follows it: `content`, `createUploadSession`, `children`.
    func endpoint(_ next: String? = nil) -> String {
        guard !names.isEmpty else { return anchor + (next.map { "/" + $0 } ?? "") }
        let path = names.map { "/" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte) }.joined()
        return anchor + ":" + path + (next.map { ":/" + $0 } ?? "")
    }
}
