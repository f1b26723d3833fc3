public import MMCore

/// Determines template, class and rule of a request. Follows the nine steps in the description of the path tables.
struct RequestClassifier: Sendable {
    let paths: GraphPathTable
    let rules: RequestRuleTable
    private let cmdlets: CmdletTable
    private static let mostBatchItems = 20

    init(tables: GuardTables) {
        paths = tables.paths
        rules = tables.requests
        cmdlets = tables.cmdlets
    }

    /// Returns the template and class of a request.
    func classify(_ request: GuardedRequest) -> RequestClassification {
        classify(request, isInBatch: false)
    }

    private func classify(_ request: GuardedRequest, isInBatch: Bool) -> RequestClassification {
        let method = RequestMethod(written: request.method)
        for name in request.headerNames where RequestTarget.refusedHeaders.contains(name.lowercased()) {
            return refused("method-header", "the header \(name) changes the method after the guard judged it")
        }
        guard method != .other else {
            return refused("unknown-method", "the service's handling of this method is unknown: \(request.method)")
        }
        var result = classify(method, request.target.segments, request)
        // A lenient server might resolve slashes and escapes once more; the stricter meaning counts.
        for segments in lenientSpellings(of: request.target.segments) {
            var other = classify(method, segments, request)
            if other.classes.strictest.rank > result.classes.strictest.rank {
                other.template = result.template
                other.isKnown = result.isKnown && other.isKnown
                result = other
            }
        }
        if result.classes.isEmpty {
            return isInBatch ? refused("nested-batch", "a batch within a batch") : batch(request, result.template)
        }
        return result
    }

    func refused(_ rule: String, _ why: String) -> RequestClassification {
        RequestClassification(
            template: nil, classes: .privilege, rule: rule, why: why, isKnown: false, sendsMessage: false, items: [])
    }

    private func classify(
        _ method: RequestMethod, _ segments: [String], _ request: GuardedRequest
    ) -> RequestClassification {
        guard request.target.service == .graph else {
            let path = segments.map(\.asciiLowercased)
            if request.target.service == .exchange, method == .post, InvokedExchangeCommand.isAddressed(path) {
                return InvokedExchangeCommand.classify(request.body, cmdlets: cmdlets)
            }
            let form = request.target.service == .sharePoint ? SharePointPath.plain(path) : path
            return byRules(method, [form], request, template: nil)
        }
        let readings = PathReader.readings(of: segments)
        if let (reading, match) = likeliestMatch(of: readings, request.target) {
            let forms = canonical(reading, casts: match.casts)
            return byRules(method, forms, request, template: paths.text(of: match))
        }
        // No template matches, so every reading is classified, and the strictest result counts.
        var worst: RequestClassification?
        for reading in readings {
            let all = allCasts(reading).flatMap { canonical(reading, casts: $0) }
            let result = byRules(method, all, request, template: nil)
            if worst.map({ result.classes.strictest.rank > $0.classes.strictest.rank }) ?? true { worst = result }
        }
        return worst ?? byRules(method, [[]], request, template: nil)
    }

    /// Returns the first reading of a path that matches a template of the request's version.
    func likeliestMatch(
        of readings: [[PathStep]], _ target: RequestTarget
    ) -> (reading: [PathStep], match: GraphPathTable.Match)? {
        for kinds in acceptedKinds(target) {
            for reading in readings {
                for form in PathRewrites.forms(of: reading) {
                    if let match = paths.match(form, kinds: kinds) { return (reading, match) }
                }
            }
        }
        return nil
    }

    private func acceptedKinds(_ target: RequestTarget) -> [GraphPathTable.Kinds] {
        target.version == "beta" ? [.beta, .permissionBeta] : [.v1, .permissionV1]
    }

    /// Returns the path and its rewrites as plain words: casts are dropped, operations get their short name, keys their values.
    private func canonical(_ reading: [PathStep], casts: [String: Bool]) -> [[String]] {
        var plain: [PathStep] = []
        for step in reading {
            guard case .qualified = step.kind else {
                plain.append(step)
                continue
            }
            if casts[step.name] ?? false { continue }
            let short = step.name.split(separator: ".").last.map(String.init) ?? step.name
            plain.append(.word(short))
        }
        return PathRewrites.forms(of: plain).map { $0.map(\.name) }
    }

    private func allCasts(_ reading: [PathStep]) -> [[String: Bool]] {
        var choices: [[String: Bool]] = [[:]]
        for step in reading {
            guard case .qualified = step.kind, choices.count < 16 else { continue }
            choices = choices.flatMap { choice in
                [true, false].map { choice.merging([step.name: $0]) { _, new in new } }
            }
        }
        return choices
    }

    private func byRules(
        _ method: RequestMethod, _ forms: [[String]], _ request: GuardedRequest, template: String?
    ) -> RequestClassification {
        var result = builtIn(method, forms, request, template: template)
        result.service = request.target.service
        result.method = method.rawValue
        result.forms = forms
        return result
    }

    private func builtIn(
        _ method: RequestMethod, _ forms: [[String]], _ request: GuardedRequest, template: String?
    ) -> RequestClassification {
        let service = request.target.service
        let sendsMessage = service == .graph && method == .post && forms.contains(where: MessagePaths.contains)
        let rule = rules.first(
            service: service, method: method, forms: forms, body: request.body,
            selected: SelectedNames(request.target.queryItems))
        if let rule {
            return RequestClassification(
                template: template, classes: sendsMessage ? rule.classes.union(.send) : rule.classes, rule: rule.id,
                why: rule.why, isKnown: service != .graph || template != nil, sendsMessage: sendsMessage, items: [])
        }
        if service == .graph, method != .get, case .json(let body) = request.body,
            let property = SensitiveProperties.first(in: body)
        {
            return RequestClassification(
                template: template, classes: sendsMessage ? [.privilege, .send] : .privilege,
                rule: "sensitive-property",
                why: "its body sets \(property), which grants or removes access", isKnown: template != nil,
                sendsMessage: sendsMessage, items: [])
        }
        if method == .get, Self.hasResources(service), let name = forms.lazy.compactMap(SecretSegments.first).first {
            return RequestClassification(
                template: template, classes: .secret, rule: "secret-segment", why: "\(name) may be keys or passwords",
                isKnown: true, sendsMessage: false, items: [])
        }
        let isRead = method == .get
        if sendsMessage {
            return RequestClassification(
                template: template, classes: .send, rule: "seed-send", why: "it sends a message",
                isKnown: template != nil, sendsMessage: true, items: [])
        }
        let classes: GuardClassSet = isRead ? .read : method == .delete ? .destructive : .write
        let why = isRead ? "it only reads" : method == .delete ? "it deletes" : "it creates or changes something"
        return RequestClassification(
            template: template, classes: classes, rule: isRead ? "reads" : method == .delete ? "deletes" : "writes",
            why: why, isKnown: service == .graph ? template != nil : isRead, sendsMessage: false, items: [])
    }

    private static func hasResources(_ service: RequestService) -> Bool {
        switch service {
        case .arm, .flow, .bap, .powerApps, .powerPlatform: true
        default: false
        }
    }

    /// Returns other ways in which a lenient server may read the segments: `%2F` splits segments, escapes are resolved again, parameters
    /// behind `;` and final dots and blanks are dropped.
    private func lenientSpellings(of segments: [String]) -> [[String]] {
        var found: [[String]] = []
        var current = segments
        let trimmed = segments.map { segment in
            var text = segment.contains("(") ? segment[...] : segment.prefix { $0 != ";" }
            while let last = text.last, ". ;".contains(last) { text.removeLast() }
            return String(text)
        }
        if trimmed != segments { found.append(trimmed.filter { !$0.isEmpty }) }
        for _ in 0..<3 {
            let split = current.flatMap { segment in
                segment.contains("/") ? segment.split(separator: "/").map(String.init) : [segment]
            }
            if split != current { found.append(split) }
            guard current.contains(where: PercentCoding.hasEscape) else { break }
            current = current.map { PercentCoding.decode($0.utf8) ?? $0 }
            found.append(current)
        }
        return found
    }

    // MARK: Batch

    private func batch(_ request: GuardedRequest, _ template: String?) -> RequestClassification {
        func unreadable(_ why: String) -> RequestClassification {
            var result = refused("batch-unreadable", why)
            result.template = template
            result.isKnown = template != nil || request.target.service != .graph
            return result
        }
        guard case .json(let body) = request.body, let object = body.object else {
            return unreadable("the batch can't be read")
        }
        guard let requests = only("requests", of: object)?.array, object.count == 1 else {
            return unreadable("a batch must be an object with only the key requests, a list")
        }
        guard requests.count <= Self.mostBatchItems else {
            return unreadable("more than \(Self.mostBatchItems) requests in one batch")
        }
        var items: [RequestClassification.BatchItem] = []
        for (index, item) in requests.enumerated() {
            items.append(batchItem(item, index, request.target))
        }
        return joined(items, template: template)
    }

    /// Returns the classification of several requests in one: that of the strictest, with the classes of all.
    func joined(_ items: [RequestClassification.BatchItem], template: String?) -> RequestClassification {
        let classes = items.reduce(into: GuardClassSet()) { $0.formUnion($1.classification.classes) }
        let worst = items.max { $0.classification.classes.strictest.rank < $1.classification.classes.strictest.rank }
        return RequestClassification(
            template: template, classes: classes.isEmpty ? .read : classes,
            rule: worst.map { $0.classification.rule } ?? "batch",
            why: worst.map { "item \($0.id) (\($0.line)): \($0.classification.why)" } ?? "an empty batch",
            isKnown: items.allSatisfy(\.classification.isKnown), sendsMessage: false, items: items)
    }

    private func batchItem(
        _ item: JSONValue, _ index: Int, _ outer: RequestTarget
    ) -> RequestClassification.BatchItem {
        let isARM = outer.service == .arm
        let object = item.object ?? [:]
        let id = (only("id", of: object) ?? only("name", of: object))?.string ?? "\(index + 1)"
        let method = only(isARM ? "httpMethod" : "method", of: object)?.string
        // Resource Manager accepts either name, and absolute addresses of its own; having both is ambiguous.
        let urls = (isARM ? ["relativeUrl", "url"] : ["url"]).compactMap { only($0, of: object)?.string }
        guard let method, let url = urls.first, urls.count == 1 else {
            return .init(id: id, line: "?", classification: refused("batch-unreadable", "method or url can't be read"))
        }
        let line = "\(method.uppercased()) \(url)"
        // Exchange accepts absolute addresses too. They have to be on the batch's own host.
        let isOwn =
            (isARM || outer.service == .exchange) && outer.writtenOrigin.map { url.hasPrefix($0 + "/") } ?? false
        if !isOwn, url.contains("://") || url.hasPrefix("//") {
            return .init(
                id: id, line: line, classification: refused("batch-absolute-url", "an absolute address within a batch"))
        }
        let allowed = isOwn ? outer.writtenOrigin.map { [$0] } ?? [] : []
        guard
            var target = try? RequestTarget(
                parsing: url, service: outer.service, allowedHosts: allowed, normalization: .clean)
        else {
            return .init(
                id: id, line: line, classification: refused("batch-unreadable", "its address can't be read"))
        }
        if outer.service == .graph, let version = outer.version { target = target.replacingVersion(version) }
        let key = isARM ? "content" : "body"
        let bodies = object.filter { $0.key.asciiLowercased == key }
        let body: RequestBody = bodies.count > 1 ? .opaque : bodies.first.map { .json($0.value) } ?? .none
        let headers = ["headers", "requestHeaderDetails"].flatMap { only($0, of: object)?.object?.keys ?? [] }
        let inner = GuardedRequest(method: method, target: target, body: body, headerNames: headers)
        return .init(id: id, line: line, body: body, classification: classify(inner, isInBatch: true))
    }

    /// Returns the only member with this name, compared without case; nil if there are several, because services differ in which one they
    /// read.
    private func only(_ name: String, of object: JSONObject) -> JSONValue? {
        let found = object.filter { $0.key.asciiLowercased == name.asciiLowercased }
        return found.count == 1 ? found.first?.value : nil
    }
}

extension RequestClassifier {
    /// Searches another table for the templates that a request to Graph may refer to, most likely template first.
    /// - Parameters:
    ///   - target: the request.
    ///   - parts: the parts of the other table, in order of priority.
    ///   - look: returns the part's entry for a template; `nil` to try the next one.
    func search<Part, Found>(
        _ target: RequestTarget, in parts: [Part], look: (GraphTemplate, Part) -> Found?
    ) -> Found? {
        guard target.service == .graph else { return nil }
        let readings = PathReader.readings(of: target.segments)
        // First the path as written, then without a final $count, $ref or $value, then also without casts.
        for shorten in [0, 1, 2] {
            for reading in readings {
                var steps = reading
                if shorten > 0, let last = steps.last, ["$count", "$ref", "$value"].contains(last.name) {
                    steps.removeLast()
                }
                if shorten > 1 {
                    steps.removeAll { if case .qualified = $0.kind { true } else { false } }
                }
                guard shorten == 0 || steps != reading else { continue }
                for part in parts {
                    for form in PathRewrites.forms(of: steps) {
                        if let found = paths.search(form, look: { look($0, part) }) { return found }
                    }
                }
            }
        }
        return nil
    }
}

/// The paths at which a POST sends a message: `sendMail`, replies and forwards, `send`, and messages in channels and chats.
enum MessagePaths {
    /// Returns whether a path (canonical words, in lower case) is one of them.
    static func contains(_ path: [String]) -> Bool {
        guard let last = path.last else { return false }
        if ["sendmail", "reply", "replyall", "forward", "send"].contains(last) { return true }
        let isConversation = path.contains("channels") || path.contains("chats") || path.contains("primarychannel")
        return isConversation && (last == "messages" || last == "replies")
    }
}

/// Properties whose change grants or removes access, at any depth of a body: sign-in, membership, ownership, and the permissions of apps.
/// They count even at a path without a rule of its own.
enum SensitiveProperties {
    /// Returns the first of them in a body.
    static func first(in value: JSONValue, depth: Int = 0) -> String? {
        guard depth < 64 else { return "…" }
        switch value {
        case .array(let items): return items.lazy.compactMap { first(in: $0, depth: depth + 1) }.first
        case .object(let members):
            for (key, member) in members {
                // Links are written as members@odata.bind, with shorter names.
                let name = key.asciiLowercased.split(separator: "@").first.map(String.init) ?? ""
                if names.contains(name) || (key.contains("@") && links.contains(name)) { return key }
                if let found = first(in: member, depth: depth + 1) { return found }
            }
            return nil
        default: return nil
        }
    }

    private static let names: Set<String> = [
        "passwordprofile", "passwordcredentials", "keycredentials", "federatedidentitycredentials", "accountenabled",
        "onpremisesimmutableid", "usertype", "authorizationinfo", "approleassignments", "requiredresourceaccess",
        "oauth2permissiongrants", "automaticrepliessetting", "isassignabletorole", "membershiprule", "resourceaccess",
        "consentedpermissionset", "members", "owners",
    ]

    private static let links: Set<String> = ["member", "owner", "manager", "registeredowners", "registeredusers"]
}

/// Reads that return keys, recognised by names that no table has: a resource called `listKeys`, `sharedSecrets` or `tokens` isn't a plain
/// read, whatever its service is.
enum SecretSegments {
    /// Returns the first such name in a path (in lower case) to a resource of Azure or of the Power Platform. Only kinds of resources are
    /// looked at, not the names that people gave to resources.
    static func first(in path: [String]) -> String? {
        kinds(in: path).first { kind in !plain.contains(kind) && words.contains { kind.contains($0) } }
    }

    /// Kinds whose names match but which hold no secrets: public keys, trust settings of sign-ins, policies.
    private static let plain: Set<String> = [
        "sshpublickeys", "federatedidentitycredentials", "basicpublishingcredentialspolicies", "signatureoverrides",
        "passwordlesssettings",
    ]

    /// Returns the kinds of resources in a path: after a provider, kinds and names alternate.
    private static func kinds(in path: [String]) -> [String] {
        var kinds: [String] = []
        var isKind = true
        var isProvider = false
        for segment in path {
            if segment == "providers" {
                isProvider = true
                isKind = true
            } else if isProvider {
                isProvider = false
            } else {
                if isKind { kinds.append(segment) }
                isKind.toggle()
            }
        }
        return kinds
    }

    private static let words = [
        "key", "secret", "credential", "token", "password", "passcode", "connectionstring", "sharedaccess", "signature",
    ]
}

/// The tables' result for a request.
package struct RequestClassification: Sendable, Hashable {
    /// The template of the path as Microsoft Graph lists it; `nil` when unknown or for other services.
    package var template: String?
    /// The classes.
    package var classes: GuardClassSet
    /// The rule.
    package var rule: String
    /// The rule's reason.
    package var why: String
    /// Whether a table knows the path (or, for other services, a rule speaks of it).
    package var isKnown: Bool
    /// Whether it sends a message, which a person is shown first.
    package var sendsMessage: Bool
    /// The items of a batch.
    package var items: [BatchItem]
    /// The service, the method and all forms of the path, for the user's rules.
    var service = RequestService.graph
    var method = "GET"
    var forms: [[String]] = []

    /// One request within a batch.
    package struct BatchItem: Sendable, Hashable {
        /// The item's own id.
        package var id: String
        /// The method and address as written.
        package var line: String
        /// The body of the item.
        var body = RequestBody.none
        /// The tables' result for the item.
        package var classification: RequestClassification
    }
}

/// A request for the guard to judge, as it will be sent.
public struct GuardedRequest: Sendable, Hashable {
    /// The method as written.
    public var method: String
    /// The address that it is sent to.
    public var target: RequestTarget
    /// The body that it sends.
    public var body: RequestBody
    /// The names of headers that the caller adds.
    public var headerNames: [String]

    /// Creates a request.
    public init(method: String, target: RequestTarget, body: RequestBody = .none, headerNames: [String] = []) {
        self.method = method
        self.target = target
        self.body = body
        self.headerNames = headerNames
    }
}

/// The methods that rules distinguish.
enum RequestMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    /// Any other method; it is unknown how a service treats it.
    case other = "OTHER"

    /// Creates the method from its written form, in any case; HEAD and OPTIONS count as GET.
    init(written: String) {
        var word = written[...]
        while word.first?.isWhitespace == true { word.removeFirst() }
        while word.last?.isWhitespace == true { word.removeLast() }
        switch word.uppercased() {
        case "HEAD", "OPTIONS": self = .get
        case let word: self = RequestMethod(rawValue: word) ?? .other
        }
    }

    var bit: UInt16 {
        switch self {
        case .get: 1
        case .post: 2
        case .put: 4
        case .patch: 8
        case .delete: 16
        case .other: 0
        }
    }
}

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
