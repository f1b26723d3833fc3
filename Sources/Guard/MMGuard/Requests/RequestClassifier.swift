import MMCore

/// Determines template, class and rule of a request. Follows the nine steps in the description of the path tables.
struct RequestClassifier: Sendable {
    let paths: GraphPathTable
    let rules: RequestRuleTable
    private let cmdlets: CmdletTable

    /// A reading of a path, and the template that it matches.
    typealias ReadMatch = (reading: [PathStep], match: GraphPathTable.Match)

    init(tables: GuardTables) {
        paths = tables.paths
        rules = tables.requests
        cmdlets = tables.cmdlets
    }

    /// Returns the template and class of a request.
    func classify(_ request: GuardedRequest) -> RequestClassification {
        classify(request, isInBatch: false)
    }

    func classify(_ request: GuardedRequest, isInBatch: Bool) -> RequestClassification {
        let method = RequestMethod(written: request.method)
        for name in request.headerNames where RequestTarget.refusedHeaders.contains(name.lowercased()) {
            return refused("method-header", "the header \(name) changes the method after the guard judged it")
        }
        guard method != .other else {
            return refused("unknown-method", "the service's handling of this method is unknown: \(request.method)")
        }
        let selected = SelectedNames(request.target.queryItems)
        var result = classify(method, request.target.segments, request, selected)
        // A lenient server might resolve slashes and escapes once more; the stricter meaning counts.
        let spellings = lenientSpellings(of: request.target.segments)
        for segments in spellings {
            var other = classify(method, segments, request, selected)
            if other.classes.strictest.rank > result.classes.strictest.rank {
                other.template = result.template
                other.isKnown = result.isKnown && other.isKnown
                result = other
            }
        }
        if result.classes.isEmpty {
            return isInBatch ? refused("nested-batch", "a batch within a batch") : batch(request, result.template)
        }
        includeFurtherReads(of: request, method, spelled: [request.target.segments] + spellings, in: &result)
        if !result.classes.isSubset(of: [.read, .secret]) { result.object = Self.object(of: request, method) }
        return result
    }

    /// Returns what tells the object of a change from others. Each new object has the address of its collection, so its
    /// content counts too.
    private static func object(of request: GuardedRequest, _ method: RequestMethod) -> String {
        let path = request.target.path.asciiLowercased
        return method == .post ? "\(path) \(request.body.hashValue)" : path
    }

    func refused(_ rule: String, _ why: String) -> RequestClassification {
        RequestClassification(
            template: nil, classes: .privilege, rule: rule, why: why, isKnown: false, sendsMessage: false, items: [])
    }

    func classify(
        _ method: RequestMethod, _ segments: [String], _ request: GuardedRequest, _ selected: SelectedNames
    ) -> RequestClassification {
        guard request.target.service == .graph else {
            let path = segments.map(\.asciiLowercased)
            if request.target.service == .exchange, method == .post, InvokedExchangeCommand.isAddressed(path) {
                return InvokedExchangeCommand.classify(request.body, cmdlets: cmdlets)
            }
            if request.target.service == .sharePoint { return sharePoint(method, path, request, selected) }
            return byRules(method, forms(of: path, at: request.target.service), request, selected, template: nil)
        }
        let readings = PathReader.readings(of: segments)
        if let (_, match) = likeliestMatch(of: readings, request.target) {
            let template = paths.text(of: match)
            // Parentheses contain a key wherever a template has one there. Read as a call, the path would also be that
            // of the whole collection, for which other rules apply.
            let kinds = acceptedKinds(request.target)
            let keyed =
                readings.count == 1 ? nil : kinds.lazy.compactMap { firstMatch(of: readings.reversed(), $0) }.first
            let (reading, casts) = keyed.map { ($0.reading, $0.match.casts) } ?? (readings[0], match.casts)
            return byRules(method, canonical(reading, casts: casts), request, selected, template: template)
        }
        // No template matches, so every reading is classified, and the strictest result counts.
        var worst: RequestClassification?
        for reading in readings {
            let all = allCasts(reading).flatMap { canonical(reading, casts: $0) }
            let result = byRules(method, all, request, selected, template: nil)
            if worst.map({ result.classes.strictest.rank > $0.classes.strictest.rank }) ?? true { worst = result }
        }
        return worst ?? byRules(method, [[]], request, selected, template: nil)
    }

    /// Classifies a request to SharePoint by its path (in lower case). The service carries out every call in a path, so
    /// each counts that does more than lead on, or may do so.
    private func sharePoint(
        _ method: RequestMethod, _ path: [String], _ request: GuardedRequest, _ selected: SelectedNames
    ) -> RequestClassification {
        let plain = SharePointPath.plain(path)
        var result = byRules(method, [plain], request, selected, template: nil)
        guard method != .get, !result.classes.isEmpty else { return result }
        for step in SharePointPath.steps(of: plain, isRead: result.classes == .read) {
            let other = builtIn(.post, [step.names], request, selected, template: nil)
            guard !step.leadsOn || !other.classes.isSubset(of: [.read, .write]) else { continue }
            result.isKnown = result.isKnown && other.isKnown
            result.include(other)
        }
        if let target = SharePointPath.graph(plain) {
            let same = GuardedRequest(method: request.method, target: target, body: request.body)
            let other = classify(method, target.segments, same, selected)
            if !other.classes.isSubset(of: [.read, .write]) { result.include(other) }
        }
        return result
    }

    /// Returns the ways in which rules may write a path (in lower case) of another service than Graph.
    private func forms(of path: [String], at service: RequestService) -> [[String]] {
        switch service {
        // Rules may name rows with the key in parentheses behind their table, or as a segment of its own.
        case .dataverse: [path] + PathReader.readings(of: path).map { $0.map(\.name) }
        default: [path]
        }
    }

    /// Returns the reading of a path that matches a template of the request's version. A template of the path itself
    /// comes before those of shorter paths to the same object.
    func likeliestMatch(of readings: [[PathStep]], _ target: RequestTarget) -> ReadMatch? {
        for kinds in acceptedKinds(target) {
            let own = readings.lazy.compactMap { reading in paths.match(reading, kinds: kinds).map { (reading, $0) } }
            if let found = own.first ?? firstMatch(of: readings, kinds) { return found }
        }
        return nil
    }

    /// Returns the first reading of which the path or a shorter one to the same object matches a template.
    private func firstMatch(of readings: [[PathStep]], _ kinds: GraphPathTable.Kinds) -> ReadMatch? {
        for reading in readings {
            for form in PathRewrites.forms(of: reading) {
                if let match = paths.match(form, kinds: kinds) { return (reading, match) }
            }
        }
        return nil
    }

    private func acceptedKinds(_ target: RequestTarget) -> [GraphPathTable.Kinds] {
        target.version == "beta" ? [.beta, .permissionBeta] : [.v1, .permissionV1]
    }

    /// Returns the path and its rewrites as plain words: casts are dropped, operations get their short name, keys their
    /// values.
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
        _ method: RequestMethod, _ forms: [[String]], _ request: GuardedRequest, _ selected: SelectedNames,
        template: String?
    ) -> RequestClassification {
        var result = builtIn(method, forms, request, selected, template: template)
        result.service = request.target.service
        result.method = method.rawValue
        result.forms = forms
        return result
    }

    private func builtIn(
        _ method: RequestMethod, _ forms: [[String]], _ request: GuardedRequest, _ selected: SelectedNames,
        template: String?
    ) -> RequestClassification {
        let service = request.target.service
        let sendsMessage = service == .graph && method == .post && forms.contains(where: MessagePaths.contains)
        let rule = rules.first(
            service: service, method: method, forms: forms, body: request.body, selected: selected)
        if let rule {
            return RequestClassification(
                template: template, classes: sendsMessage ? rule.classes.union(.send) : rule.classes, rule: rule.id,
                why: rule.why, isKnown: service != .graph || template != nil, sendsMessage: sendsMessage, items: [],
                isForSelection: rule.isForSelection)
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
        if Self.hasResources(service),
            let name = forms.lazy.compactMap({ SecretSegments.first(in: $0, method: method) }).first
        {
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

    /// Returns other ways in which a lenient server may read the segments: escapes are resolved again, `%2F` splits
    /// segments, and what `withoutTail` leaves out is dropped.
    private func lenientSpellings(of segments: [String]) -> [[String]] {
        var found: [[String]] = []
        var current = segments
        for _ in 0..<4 {
            let split = current.flatMap { segment in
                segment.contains("/") ? segment.split(separator: "/").map(String.init) : [segment]
            }
            let spellings = [split, current].flatMap { spelling in
                [spelling, spelling.map(Self.withoutTail).filter { !$0.isEmpty }]
            }
            for spelling in spellings where spelling != segments && !found.contains(spelling) { found.append(spelling) }
            guard current.contains(where: PercentCoding.hasEscape) else { break }
            current = current.map { PercentCoding.decode($0.utf8) ?? $0 }
        }
        return found
    }

    /// Returns a segment without parameters behind `;`, and without final dots and blanks. A `;` in parentheses belongs
    /// to a key.
    private static func withoutTail(_ segment: String) -> String {
        let tail = segment.lastIndex(of: ")").map { segment.index(after: $0) } ?? segment.startIndex
        var text = segment[..<tail] + segment[tail...].prefix { $0 != ";" }
        while let last = text.last, ". ".contains(last) { text.removeLast() }
        return String(text)
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
