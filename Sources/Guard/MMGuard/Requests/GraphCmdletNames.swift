internal import MMCore

/// Derives the requests of Graph's cmdlets from their names. Microsoft generates these modules from Graph's own
/// description: the verb stands for the method, and the noun consists of the words of the path's segments in the
/// singular.
package struct GraphCmdletNames: Sendable {
    /// A request with its path as a template.
    package struct Request: Sendable, Hashable {
        /// The method in upper case.
        package let method: String
        /// The path, with a name in braces for each key: `/users/{user-id}/messages`.
        package let template: String
        /// Whether it is sent to beta.
        package let isBeta: Bool
        /// The node of the template in the tree of paths.
        package let node: GraphTemplate

        /// The path with its version: `/v1.0/users/{user-id}`.
        package var path: String { (isBeta ? "/beta" : "/v1.0") + template }

        /// The names in braces, in order.
        package var keys: [String] {
            template.split(separator: "{").dropFirst().compactMap {
                $0.split(separator: "}", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
            }
        }
    }

    private let cmdlets = CmdletTable()
    private let paths = GraphPathTable()

    /// Creates an instance with the tables that come with the program.
    package init() {}

    private static let methods: [(name: String, bit: UInt8)] = [
        ("GET", 1), ("POST", 2), ("PUT", 4), ("PATCH", 8), ("DELETE", 16),
    ]

    /// Returns the methods that a verb, in lower case, stands for; empty if its cmdlets carry out actions only.
    private static func methods(of verb: String) -> [String] {
        switch verb {
        case "get": ["GET"]
        case "new": ["POST"]
        case "update": ["PATCH", "PUT"]
        case "remove": ["DELETE"]
        case "set": ["PUT"]
        default: []
        }
    }

    /// For each verb, the first or last words of the actions and functions whose cmdlets have this verb rather than the
    /// usual one. Of other verbs the word is the verb itself: `Publish` is `publish`.
    private static let actions: [String: Set<String>] = [
        "get": ["get", "acquire", "retrieve"], "set": ["assign", "set"], "confirm": ["check", "confirm", "verify"],
        "send": ["send"], "add": ["add"],
        "revoke": ["revoke"], "restore": ["restore", "recover"], "remove": ["remove", "unset"], "test": ["validate"],
        "copy": ["copy", "clone"], "move": ["move", "transfer"], "reset": ["reset"], "grant": ["grant"],
        "clear": ["clear", "wipe", "purge"],
        "start": ["start", "run"], "stop": ["stop", "cancel"], "enable": ["enable"], "disable": ["disable"],
        "find": ["find", "locate", "discover"],
        "search": ["search"], "sync": ["sync"], "initialize": ["init", "activate"], "suspend": ["suspend", "pause"],
        "skip": ["skip", "bypass"], "new": ["create"], "merge": ["merge"],
        "lock": ["lock"], "request": ["request"], "restart": ["restart", "reboot"], "update": ["update"],
    ]

    /// The segments whose cmdlets have a noun of their own, in lower case; the empty name stands for the top of the
    /// tree.
    private static let nouns: [(parent: String, segment: String, words: [String])] = [
        ("", "settings", ["directory", "setting"]),
        ("", "groupsettingtemplates", ["group", "setting", "template", "group", "setting", "template"]),
        ("users", "drive", ["default", "drive"]), ("groups", "drive", ["default", "drive"]),
        ("sites", "drive", ["default", "drive"]),
    ]

    /// The top-level segments that the names leave out.
    private static let unnamed: Set<String> = ["admin", "identityprotection", "identitygovernance", "solutions"]

    /// Returns whether a name has the form of these cmdlets.
    package static func isForm(_ name: String) -> Bool { parts(of: name) != nil }

    /// The requests of cmdlets that were asked for recently: a script calls the same few for each of its objects.
    private static let recent = RecentValues<String, [Request]>(size: 256)

    /// Returns the requests of a cmdlet, those with fewer keys first; empty if neither a table nor the rules yield one.
    package func requests(of name: String) -> [Request] {
        if let known = Self.recent.value(for: name) { return known }
        let found = search(for: name)
        Self.recent.keep(found, for: name)
        return found
    }

    private func search(for name: String) -> [Request] {
        guard let (verb, isBeta, noun) = Self.parts(of: name) else { return [] }
        var search = Search(
            paths: paths, verb: verb, isBeta: isBeta,
            bits: Self.methods.filter { Self.methods(of: verb).contains($0.name) }.reduce(0) { $0 | $1.bit })
        for words in Self.readings(of: noun, verb: verb) where search.found.isEmpty {
            search.descend(0, words.joined()[...], last: [], depth: 0)
        }
        let listed = search.found.isEmpty ? listed(name, isBeta: isBeta) ?? byOtherKey(name, isBeta: isBeta) : nil
        if let listed { return [listed] }
        // An action without a verb of PowerShell's has its own first: `Invoke-MgRetire…` is `…/retire`.
        let words = Self.words(noun)
        if verb == "invoke", search.found.isEmpty, words.count > 1 {
            search.invoked = words[0]
            search.descend(0, words.dropFirst().joined()[...], last: [], depth: 0)
        }
        var found: [Request] = []
        for (node, isCounted, isAction) in search.found {
            let bits = paths.nodes.u8(node, 19)
            let names =
                isCounted
                ? ["GET"]
                : (Self.methods(of: verb) + (isAction ? ["POST"] : [])).filter { name in
                    Self.methods.contains { $0.name == name && bits & $0.bit != 0 }
                }
            guard let method = names.first else { continue }
            let text = paths.text(of: node) + (isCounted ? "/$count" : "")
            found.append(
                Request(method: method, template: text, isBeta: isBeta, node: GraphTemplate(number: node)))
        }
        return found.sorted { ($0.keys.count, $0.template) < ($1.keys.count, $1.template) }
    }

    /// Returns the ways to read a noun: as it is, as a count of objects of one type (whose path has the type before
    /// `$count`), and as a member that is added or removed by reference.
    private static func readings(of noun: String, verb: String) -> [[String]] {
        let words = words(noun)
        var readings = [words]
        if let place = words.firstIndex(of: "count"), place + 1 < words.count, words[place + 1] == "as" {
            readings.append(words[..<place] + words[(place + 1)...] + ["count"])
        }
        if verb == "new" || verb == "remove" { readings.append(words + ["by", "ref"]) }
        return readings
    }

    /// Returns the request that the table of cmdlets has for a name.
    private func listed(_ name: String, isBeta: Bool) -> Request? {
        guard let entry = cmdlets.entries(named: name).first(where: { $0.product == .graph }),
            let (method, path) = cmdlets.request(of: entry)
        else { return nil }
        let plain = path.replacing("{", with: "").replacing("}", with: "")
        guard let target = try? RequestTarget(parsing: (isBeta ? "/beta" : "/v1.0") + plain, service: .graph),
            let found = GuardEngine.standard.template(of: target)
        else { return nil }
        // A word of the table's path that would only be read as a key belongs to a call that the tree doesn't have.
        let written = path.hasPrefix("/me/") ? "/users/{id}" + path.dropFirst(3) : path
        let places = zip(paths.text(of: found.template.number).split(separator: "/"), written.split(separator: "/"))
        guard places.allSatisfy({ $0.hasPrefix("{") == $1.hasPrefix("{") }) else { return nil }
        return Request(
            method: method, template: paths.text(of: found.template.number), isBeta: isBeta, node: found.template)
    }

    /// The properties, besides its id, by which an object of a collection can be addressed.
    private static let otherKeys: [(collection: String, keys: [String])] = [
        ("/applications/", ["appId", "uniqueName"]), ("/servicePrincipals/", ["appId"]), ("/devices/", ["deviceId"]),
        ("/groups/", ["uniqueName"]), ("/directoryRoles/", ["roleTemplateId"]),
    ]

    /// Returns the request for one object by an alternate key: `Get-MgApplicationByAppId` is
    /// `/applications(appId='{appId}')`.
    private func byOtherKey(_ name: String, isBeta: Bool) -> Request? {
        for (collection, keys) in Self.otherKeys {
            for key in keys where name.lowercased().hasSuffix("by" + key.lowercased()) {
                let usual = requests(of: String(name.dropLast(key.count + 2))).first { request in
                    request.keys.count == 1 && request.template.hasPrefix(collection + "{")
                        && request.template.hasSuffix("}")
                }
                guard let usual else { continue }
                return Request(
                    method: usual.method, template: collection.dropLast() + "(\(key)='{\(key)}')", isBeta: isBeta,
                    node: usual.node)
            }
        }
        return nil
    }

    /// Returns the verb in lower case, whether the cmdlet is for beta, and the noun; `nil` for names of another form.
    private static func parts(of name: String) -> (verb: String, isBeta: Bool, noun: String)? {
        let parts = name.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].count > 3, parts[1].lowercased().hasPrefix("mg"),
            parts[1].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
        else { return nil }
        let noun = parts[1].dropFirst(2)
        let isBeta = noun.lowercased().hasPrefix("beta")
        // The modules write this one word in Apple's way, without a capital to begin it.
        let words = String(isBeta ? noun.dropFirst(4) : noun).replacing("iOS", with: "Ios")
        return (parts[0].lowercased(), isBeta, words)
    }

    // MARK: Words

    /// Returns the words of a camel-case name, in lower case and in the singular.
    fileprivate static func words(_ name: String) -> [String] {
        var words: [String] = []
        var word = ""
        var wasUpper = true
        func end() {
            defer { word = "" }
            guard !word.isEmpty else { return }
            let whole = singular(word)
            // The modules leave out a word that repeats the one before it.
            if words.last != whole { words.append(whole) }
        }
        for unit in name.utf8 {
            let isUpper = (0x41...0x5A).contains(unit)
            if unit == 0x5F || isUpper && !wasUpper { end() }
            wasUpper = isUpper
            if unit != 0x5F { word.unicodeScalars.append(UnicodeScalar(isUpper ? unit | 0x20 : unit)) }
        }
        end()
        return words
    }

    private static func singular(_ word: String) -> String {
        switch word {
        case "people": return "person"
        case "children": return "child"
        default: break
        }
        guard word.hasSuffix("s") else { return word }
        if word.hasSuffix("ies"), word.count > 4 { return word.dropLast(3) + "y" }
        for end in ["sses", "xes", "ches", "shes", "uses"] where word.hasSuffix(end) && word.count > end.count + 1 {
            return String(word.dropLast(2))
        }
        let isWhole =
            word.hasSuffix("ss") || word.hasSuffix("us") && word.count > 4 || word.hasSuffix("is") || word.count < 3
        if isWhole { return word }
        return String(word.dropLast())
    }

    /// A walk of the tree of paths along the words of a name.
    private struct Search {
        let paths: GraphPathTable
        let verb: String
        let isBeta: Bool
        let bits: UInt8
        /// The word of the action that `Invoke` stands for.
        var invoked: String?
        var found: [(node: UInt32, isCounted: Bool, isAction: Bool)] = []

        private var kinds: GraphPathTable.Kinds {
            isBeta ? [.beta, .permissionBeta] : [.v1, .permissionV1]
        }

        /// - Parameters:
        ///   - last: the words of the segment before.
        ///   - parent: the name of the last segment that is no key, in lower case.
        ///   - isAction: whether the node is an action whose first word is the verb. Such actions are posts, also with
        ///     the verb Get.
        mutating func descend(
            _ node: UInt32, _ rest: Substring, last: [String], parent: String = "", depth: Int, isAction: Bool = false
        ) {
            guard depth < 14, found.count < 24 else { return }
            let repeating = repeating(node, last)
            if let repeating {
                descend(repeating, rest, last: last, parent: parent, depth: depth + 1)
            }
            if node != 0 {
                let bits = isAction ? bits | 2 : bits
                if rest.isEmpty, repeating == nil, isAction || verb != "new" || !isAnAction(node),
                    !paths.flags(node).isDisjoint(with: kinds), paths.nodes.u8(node, 19) & bits != 0
                {
                    found.append((node, false, isAction))
                }
                if rest == "count", verb == "get", paths.flags(node).contains(.countable) {
                    found.append((node, true, false))
                }
            }
            if let key = paths.key(below: node) { descend(key, rest, last: last, parent: parent, depth: depth + 1) }
            guard !rest.isEmpty else {
                // An action of one word is named by the verb alone: `Move-MgUserMessage` is
                // `…/messages/{message-id}/move`. `Update` changes the object itself.
                for child in paths.children(of: node) where !isAction && verb != "update" {
                    let written = paths.file.string(paths.nodes.u32(child.node, 4))
                    guard restsOfAction(written).contains(where: { $0.isEmpty || last.suffix($0.count) == $0[...] })
                    else {
                        continue
                    }
                    descend(child.node, rest, last: last, depth: depth + 1, isAction: true)
                }
                return
            }
            for child in paths.children(of: node) {
                let written = paths.file.string(paths.nodes.u32(child.node, 4))
                let words = Self.words(of: written)
                let name = child.name.lowercased()
                if let own = GraphCmdletNames.nouns.first(where: { $0.parent == parent && $0.segment == name }),
                    let next = Self.dropping(own.words, from: rest, after: [])
                {
                    descend(child.node, next, last: words, parent: name, depth: depth + 1)
                }
                if let next = Self.dropping(words, from: rest, after: last) {
                    descend(child.node, next, last: words, parent: name, depth: depth + 1)
                }
                // The words of a segment are never longer than it is.
                if rest.utf8.count <= written.utf8.count,
                    restsOfAction(written).contains(where: {
                        Self.dropping($0, from: rest, after: last)?.isEmpty == true
                    })
                {
                    descend(child.node, "", last: words, depth: depth + 1, isAction: true)
                }
                if node == 0, GraphCmdletNames.unnamed.contains(name) {
                    descend(child.node, rest, last: [], depth: depth + 1)
                }
            }
        }

        /// Returns the collection below a single object whose name repeats the end of the object's own, and which the
        /// names leave out: `…LifecycleWorkflow` is `/lifecycleWorkflows/workflows`, never `/lifecycleWorkflows`
        /// itself.
        private func repeating(_ node: UInt32, _ words: [String]) -> UInt32? {
            guard node != 0, !words.isEmpty, paths.key(below: node) == nil else { return nil }
            return paths.children(of: node).first { child in
                let own = Self.words(of: paths.file.string(paths.nodes.u32(child.node, 4)))
                return own.count < words.count && words.suffix(own.count) == own[...]
                    && paths.key(below: child.node) != nil
            }?.node
        }

        /// Whether a node is an action: it is only posted to, has no objects below it, and its name isn't that of
        /// several. `New` makes objects, so it stands for those actions only whose first word is `create`.
        private func isAnAction(_ node: UInt32) -> Bool {
            guard paths.nodes.u8(node, 19) == 2, paths.key(below: node) == nil else { return false }
            let written = paths.file.string(paths.nodes.u32(node, 4))
            return written != "$ref" && !written.hasSuffix("s")
        }

        /// Returns an action's words without the one that the verb stands for; empty if it stands for none of them.
        private func restsOfAction(_ segment: String) -> [[String]] {
            // The names leave out the namespace of an action.
            let name = segment.prefix { $0 != "(" }
            let words = Self.words(of: String(name.split(separator: ".").last ?? ""))
            guard let first = words.first, let last = words.last else { return [] }
            func isVerb(_ word: String) -> Bool {
                invoked.map { $0 == word } ?? (GraphCmdletNames.actions[verb]?.contains(word) ?? (word == verb))
            }
            return (isVerb(first) ? [Array(words.dropFirst())] : []) + (isVerb(last) ? [words.dropLast()] : [])
        }

        private static func words(of segment: String) -> [String] {
            switch segment {
            case "$ref": return ["byref"]
            case "$value": return ["content"]
            case "$count": return ["count"]
            default: break
            }
            let name = String(segment.prefix { $0 != "(" })
            for prefix in ["microsoft.graph.", "graph."] where name.lowercased().hasPrefix(prefix) {
                return ["as"] + GraphCmdletNames.words(String(name.dropFirst(prefix.count)))
            }
            return GraphCmdletNames.words(name)
        }

        /// Returns the rest of a name after a segment's words. Those of the first words that repeat the end of the
        /// segment before are left out in the name.
        private static func dropping(_ words: [String], from rest: Substring, after last: [String]) -> Substring? {
            let whole = words.joined()
            guard !whole.isEmpty else { return nil }
            if rest.hasPrefix(whole) { return rest.dropFirst(whole.count) }
            for count in stride(from: min(words.count - 1, last.count), to: 0, by: -1)
            where words.prefix(count) == last.suffix(count) {
                let short = words.dropFirst(count).joined()
                if rest.hasPrefix(short) { return rest.dropFirst(short.count) }
            }
            return nil
        }
    }
}
