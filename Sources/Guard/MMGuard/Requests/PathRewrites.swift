internal import MMCore

/// Alternative paths of Graph for the same object: `/me` is `/users/{id}`, a group's drive is a drive.
enum PathRewrites {
    private static let mostForms = 64

    /// Returns all forms of a path, the path itself first, with each rewrite applied as often as possible.
    static func forms(of path: [PathStep]) -> [[PathStep]] {
        var forms = [path]
        var position = 0
        while position < forms.count, forms.count < mostForms {
            for rewritten in once(forms[position]) where !forms.contains(rewritten) { forms.append(rewritten) }
            position += 1
        }
        return forms
    }

    private static func once(_ path: [PathStep]) -> [[PathStep]] {
        var found: [[PathStep]] = []
        func add(_ head: [PathStep], _ rest: Int) { found.append(head + path.dropFirst(rest)) }
        func isWord(_ index: Int, _ text: String) -> Bool { index < path.count && path[index].isWord(text) }
        func isKey(_ index: Int) -> Bool { index < path.count && path[index].isKeyLike }
        // `me()` means the same as `me`.
        for (index, step) in path.enumerated() where step.kind == .call([]) {
            add(Array(path[..<index]) + [.word(step.name)], index + 1)
        }
        guard let first = path.first, first.kind == .word else { return found }

        switch first.name {
        case "me": add([.word("users"), .key("me")], 1)
        case "drive": add([.word("drives"), .key("drive")], 1)
        case "myorganization": add([], 1)
        case "connections": add([.word("external"), .word("connections")], 1)
        case "devicelocalcredentials": add([.word("directory"), .word("devicelocalcredentials")], 1)
        case "teams" where isKey(1) && isWord(2, "primarychannel"):
            add([path[0], path[1], .word("channels"), .key("primarychannel")], 3)
        case let name where isTenant(name): add([], 1)
        default: break
        }
        if isKey(1) {
            if first.name == "groups" {
                if isWord(2, "team") { add([.word("teams"), path[1]], 3) }
                if isWord(2, "sites"), isKey(3) { add([.word("sites"), path[3]], 4) }
                if isWord(2, "conversations"), isKey(3), isWord(4, "threads") { add([path[0], path[1]], 4) }
            }
            if first.name == "sites", isWord(2, "sites"), isKey(3) { add([.word("sites"), path[3]], 4) }
            if first.name == "users" { found += ofUser(path) }
        }
        return found + ofItem(path)
    }

    /// Returns whether the first word of a path (in lower case) names the tenant: its id, or one of its domains.
    private static func isTenant(_ name: String) -> Bool {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        if parts.map(\.utf8.count) == [8, 4, 4, 4, 12] {
            return parts.allSatisfy { $0.utf8.allSatisfy { Hex.value(of: $0) != nil } }
        }
        return name.utf8.contains(UInt8(ascii: "."))
    }

    /// Returns the shorter paths to drives and to the items in them.
    private static func ofItem(_ path: [PathStep]) -> [[PathStep]] {
        var found: [[PathStep]] = []
        let drive = [PathStep.word("drives"), .key("drive")]
        func add(_ head: [PathStep], _ rest: Int) { found.append(head + path.dropFirst(rest)) }
        func isWord(_ index: Int, _ text: String) -> Bool { index < path.count && path[index].isWord(text) }
        func isKey(_ index: Int) -> Bool { index < path.count && path[index].isKeyLike }
        switch path[0].name {
        case "users", "groups":
            if isKey(1), isWord(2, "drive") { add(drive, 3) }
        case "sites":
            // Lists of a site lead to its drive, too.
            for index in path.indices.dropFirst(2) where isWord(index, "drive") { add(drive, index + 1) }
        case "drives" where isKey(1):
            if isWord(2, "root") { add([path[0], path[1], .word("items"), .key("root")], 3) }
            for word in ["special", "bundles", "following"] where isWord(2, word) && isKey(3) {
                add([path[0], path[1], .word("items"), .key(path[3].name)], 4)
            }
            if isWord(2, "items"), isKey(3), isWord(4, "children"), isKey(5) {
                add([path[0], path[1], path[2], path[5]], 6)
            }
        case "shares" where isKey(1):
            if isWord(2, "root") { add([path[0], path[1], .word("driveitem")], 3) }
            if isWord(2, "items"), isKey(3) { add([path[0], path[1], .word("driveitem")], 4) }
        default: break
        }
        for index in path.indices.dropFirst() where isWord(index, "drives") && isKey(index + 1) {
            found.append(Array(path[index...]))
        }
        // Lists, shares and channels have items of drives under a name of their own.
        for index in path.indices.dropFirst(2) where isWord(index, "driveitem") || isWord(index, "filesfolder") {
            add(drive + [.word("items"), .key(path[index].name)], index + 1)
        }
        return found
    }

    private static func ofUser(_ path: [PathStep]) -> [[PathStep]] {
        var found: [[PathStep]] = []
        func isWord(_ index: Int, _ text: String) -> Bool { index < path.count && path[index].isWord(text) }
        func isKey(_ index: Int) -> Bool { index < path.count && path[index].isKeyLike }
        func cut(from index: Int) { found.append(Array(path[..<2]) + path[index...]) }
        if isWord(2, "joinedteams"), isKey(3) { found.append([.word("teams"), path[3]] + path.dropFirst(4)) }
        if isWord(2, "chats"), isKey(3) { found.append([.word("chats"), path[3]] + path.dropFirst(4)) }
        if isWord(2, "manageddevices"), isKey(3) {
            found.append([.word("devicemanagement"), .word("manageddevices"), path[3]] + path.dropFirst(4))
        }
        if isWord(2, "calendar"), isWord(3, "events") { cut(from: 3) }
        if isWord(2, "calendars"), isKey(3), isWord(4, "events") { cut(from: 4) }
        if isWord(2, "calendargroups"), isKey(3), isWord(4, "calendars"), isKey(5), isWord(6, "events") { cut(from: 6) }
        for (folder, content) in [("mailfolders", "messages"), ("contactfolders", "contacts")]
        where isWord(2, folder) && isKey(3) {
            for index in path.indices.dropFirst(4) where path[index].isWord(content) { cut(from: index) }
        }
        return found
    }
}

/// Brings paths of SharePoint's APIs into the forms that rules use.
enum SharePointPath {
    /// Returns the path (in lower case) with `_api` in place of `_vti_bin/client.svc`, the long name of the same API.
    static func plain(_ path: [String]) -> [String] {
        guard let start = path.firstIndex(of: "_vti_bin"), path.dropFirst(start + 1).first == "client.svc" else {
            return path
        }
        return path[..<start] + ["_api"] + path[(start + 2)...]
    }

    /// Returns the same request to Graph, whose API for files and lists SharePoint also serves below `_api/v2.0`.
    static func graph(_ path: [String]) -> RequestTarget? {
        guard let start = path.firstIndex(of: "_api"), path.dropFirst(start + 1).first?.hasPrefix("v2.") == true else {
            return nil
        }
        let rest = path[(start + 2)...].map { "/" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte) }
        return try? RequestTarget(parsing: "/v1.0" + rest.joined(), service: .graph, normalization: .clean)
    }

    /// Returns the steps of a plain path, each with the names that lead to it: `web/ensureuser('x')/groups` adds a user
    /// on its way, and `recycle()` is `recycle`. A call in parentheses may do anything unless it is known to lead on;
    /// on the way to a read, so may a word without them, which is a property or a call.
    static func steps(of path: [String], isRead: Bool) -> [(names: [String], leadsOn: Bool)] {
        var names: [String] = []
        var isQuoted = false
        return path[(path.firstIndex(of: "_api") ?? path.startIndex)...].map { segment in
            let open = segment.hasSuffix(")") ? segment.firstIndex(of: "(") : nil
            let name = open.map { String(segment[..<$0]).trimmed } ?? segment
            names.append(name)
            // Addresses of folders in quotes have slashes, and may have parentheses.
            let leadsOn = open == nil && !isRead || isQuoted || name.hasPrefix("get") || places.contains(name)
            if !segment.filter({ $0 == "'" }).count.isMultiple(of: 2) { isQuoted.toggle() }
            return (names, leadsOn)
        }
    }

    /// Properties that lead on, and collections, whose parentheses contain a key.
    private static let places: Set<String> = [
        "_api", "site", "web", "rootweb", "parentweb", "search", "rootfolder", "parentlist", "lists", "items", "fields",
        "views", "webs", "folders", "files", "contenttypes", "attachmentfiles", "versions",
    ]
}
