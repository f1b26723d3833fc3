package import MMCore

/// A folder of a drive, as an endpoint names it.
package struct DriveFolder: Sendable {
    private let item: DriveItemPath

    /// An item in a folder of a drive.
    package struct Child: Sendable, Hashable {
        /// The name.
        package let name: String
        /// The size in bytes.
        package let size: Int?
        /// The QuickXorHash in base64, if the service names it.
        package let hash: String?
        /// Whether it is a folder.
        package let isFolder: Bool
        /// The reason why the item can't be downloaded as a file, such as a notebook; `nil` for files and folders.
        package let reason: String?

        init(_ value: JSONValue) {
            func has(_ name: String) -> Bool { value[name].map { !$0.isNull } ?? false }
            let name = value["name"]?.string ?? ""
            self.name = name
            size = value["size"]?.int
            hash = value["file"]?["hashes"]?["quickXorHash"]?.string
            isFolder = has("folder")
            let isUsable = !name.isEmpty && name != "." && name != ".." && !name.contains(Character("/"))
            reason =
                !isUsable || name.utf8.contains(0)
                ? "its name can't be used on this machine"
                : has("file") || isFolder
                    ? nil : "it is not a file of this drive (a notebook, or shared from elsewhere)"
        }
    }

    /// Reads an endpoint.
    /// - Parameters:
    ///   - target: the endpoint.
    ///   - name: the folder's name if the endpoint names its parent folder; `nil` if the endpoint names the folder
    ///     itself.
    ///   - isContainer: whether the endpoint was written with a slash at its end.
    /// - Throws: `.invalidInput` for an endpoint that doesn't name a place in a drive.
    package init(_ target: RequestTarget, placing name: String? = nil, isContainer: Bool = false) throws(MMError) {
        guard let path = DriveItemPath(target), path.suffix.isEmpty || path.suffix == ["children"] else {
            throw MMError(
                .invalidInput, "\(target.path) is not a folder of a drive.",
                hint: "Use one, such as /me/drive/root:/Reports or /drives/ID/items/ID.",
                details: ["field": "endpoint"])
        }
        let plain = path.withoutSuffix
        if let name, path.isFolder || isContainer { item = plain.below(name) } else { item = plain }
    }

    /// The folder's own name, if the endpoint contains it.
    package var name: String? { item.names.last }

    /// Returns the endpoint of an item in the folder.
    package func endpoint(of names: [String]) -> String { item.below(names.joined(separator: "/")).endpoint() }

    /// Returns the request that lists a subfolder, or the folder itself for no names.
    package func listing(_ names: [String], of client: GraphClient) throws(MMError) -> GraphRequest {
        let folder = names.isEmpty ? item : item.below(names.joined(separator: "/"))
        return try GraphRequest(
            target: try client.target(folder.endpoint("children")).addingQuery(
                "$select", "id,name,size,file,folder"))
    }

    private static func child(_ item: ArraySlice<UInt8>) throws(MMError) -> Child {
        do throws(JSONError) {
            return Child(try JSONParser.parse(Array(item)))
        } catch {
            throw MMError(.remoteFailed, "An item of the drive isn't JSON: \(error).", hint: "Try again.", retry: .now)
        }
    }

    /// Lists the items of a folder.
    /// - Returns: `nil` if there is no such folder.
    package func children(
        _ request: GraphRequest, of client: GraphClient, deadline: Deadline
    ) async throws(MMError) -> [Child]? {
        var found: [Child] = []
        var pages = client.pages(request, deadline: deadline).makeAsyncIterator()
        do throws(MMError) {
            while let page = try await pages.next(isolation: nil) {
                for item in page.items { found.append(try Self.child(item)) }
            }
        } catch {
            guard error.details["status"]?.int == 404, found.isEmpty else { throw error }
            return nil
        }
        return found
    }
}

/// The file or folder of a drive that an endpoint names, by id or by path: `/me/drive/root:/Reports/a.pdf:/content`,
/// `/drives/ID/items/ID/children`.
struct DriveItemPath: Sendable, Hashable {
    /// The encoded path of the item that names are counted from: `/v1.0/me/drive/root`.
    private let anchor: String
    /// Whether that item is a known folder, as a drive's root is.
    private let startsAtFolder: Bool
    /// The names below that item.
    private(set) var names: [String]
    /// The segments after the item: `content`, `children`.
    private(set) var suffix: [String]

    /// Reads an endpoint; `nil` when it doesn't name an item of a drive.
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

    /// The item itself, without the segments after it.
    var withoutSuffix: DriveItemPath {
        var path = self
        path.suffix = []
        return path
    }

    /// Returns the item with a name below this one.
    func below(_ name: String) -> DriveItemPath {
        var path = self
        path.names.append(contentsOf: name.split(separator: "/").map(String.init))
        return path
    }

    /// Returns the endpoint of the item, or of a segment after it: `content`, `createUploadSession`, `children`.
    func endpoint(_ next: String? = nil) -> String {
        guard !names.isEmpty else { return anchor + (next.map { "/" + $0 } ?? "") }
        let path = names.map { "/" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte) }.joined()
        return anchor + ":" + path + (next.map { ":/" + $0 } ?? "")
    }
}
