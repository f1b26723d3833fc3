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
        // An object may be addressed by another property than its id.
        for (index, step) in path.enumerated() {
            guard case .call(let names) = step.kind, !names.isEmpty else { continue }
            add(Array(path[..<index]) + [.word(step.name), .key(names.joined(separator: ","))], index + 1)
        }
        guard let first = path.first, first.kind == .word else { return found }

        switch first.name {
        case "me": add([.word("users"), .key("me")], 1)
        case "drive": add([.word("drives"), .key("drive")], 1)
        case "myorganization": add([], 1)
        case "connections": add([.word("external"), .word("connections")], 1)
        case "devicelocalcredentials": add([.word("directory"), .word("devicelocalcredentials")], 1)
        case "drives" where isKey(1):
            if isWord(2, "root") { add([path[0], path[1], .word("items"), .key("root")], 3) }
            for word in ["special", "bundles", "following"] where isWord(2, word) && isKey(3) {
                add([path[0], path[1], .word("items"), .key(path[3].name)], 4)
            }
        case "teams" where isKey(1) && isWord(2, "primarychannel"):
            add([path[0], path[1], .word("channels"), .key("primarychannel")], 3)
        default: break
        }
        if isKey(1) {
            if ["users", "groups", "sites"].contains(first.name), isWord(2, "drive") {
                add([.word("drives"), .key("drive")], 3)
            }
            if first.name == "groups" {
                if isWord(2, "team") { add([.word("teams"), path[1]], 3) }
                if isWord(2, "sites"), isKey(3) { add([.word("sites"), path[3]], 4) }
                if isWord(2, "conversations"), isKey(3), isWord(4, "threads") { add([path[0], path[1]], 4) }
            }
            if first.name == "users" { found += ofUser(path) }
        }
        for index in path.indices.dropFirst() where isWord(index, "drives") && isKey(index + 1) {
            found.append(Array(path[index...]))
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

/// Brings paths of SharePoint's APIs into the one form that rules use.
enum SharePointPath {
    /// Returns the path (in lower case) with `_api` in place of `_vti_bin/client.svc`, the long name of the same API.
    static func plain(_ path: [String]) -> [String] {
        guard let start = path.firstIndex(of: "_vti_bin"), path.dropFirst(start + 1).first == "client.svc" else {
            return path
        }
        return path[..<start] + ["_api"] + path[(start + 2)...]
    }
}
