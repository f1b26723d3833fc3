import MMCore

/// What a request reads beside the objects at its path: those that `$expand` adds, and a property in which the path
/// ends. Each is judged as the GET that would read it alone.
extension RequestClassifier {
    private struct Read {
        var segments: [String]
        var options: [QueryItem]
    }

    /// The reads that are judged for one request. A link counts twice, because it may start at an object or at each
    /// object of a collection, so this also limits how deep `$expand` may be nested.
    private static let mostReads = 512

    /// Adds the classes of what a request reads beside the objects at its path.
    /// - Parameter spellings: the segments of its path as servers may read them.
    func includeFurtherReads(
        of request: GuardedRequest, _ method: RequestMethod, spelled spellings: [[String]],
        in result: inout RequestClassification
    ) {
        let target = request.target
        guard Self.isOData(target.service) else { return }
        var reads: [Read] = []
        if method == .get { reads = spellings.flatMap(properties) }
        guard follow(target.queryItems, from: [target.segments], of: target, into: &reads),
            reads.count <= Self.mostReads
        else {
            var unreadable = result
            (unreadable.classes, unreadable.forms) = (.secret, [])
            (unreadable.rule, unreadable.why) = ("expand-unreadable", "what its $expand asks for can't be read")
            return result.include(unreadable)
        }
        let alone = GuardedRequest(method: RequestMethod.get.rawValue, target: target)
        for read in reads {
            result.include(classify(.get, read.segments, alone, SelectedNames(read.options)))
        }
    }

    private static func isOData(_ service: RequestService) -> Bool {
        switch service {
        case .graph, .sharePoint, .dataverse: true
        default: false
        }
    }

    /// Returns the reads of the properties in a path: `/vppTokens/x/token` reads what `/vppTokens/x?$select=token`
    /// does.
    private func properties(_ segments: [String]) -> [Read] {
        segments.indices.dropFirst().compactMap { index in
            guard rules.mentions(property: segments[index].asciiLowercased) else { return nil }
            return Read(segments: Array(segments[..<index]), options: [QueryItem("$select", segments[index])])
        }
    }

    /// Adds the reads that `$expand` asks for among these options, and within the options of its items.
    /// - Parameter places: the paths at which the links start.
    /// - Returns: whether everything could be read.
    private func follow(
        _ options: [QueryItem], from places: [[String]], of target: RequestTarget, into reads: inout [Read]
    ) -> Bool {
        for option in options where SelectedNames.option(option) == "expand" {
            guard let items = ExpandItem.list(SelectedNames.decodedFully(option.value ?? "")) else { return false }
            for item in items {
                var places = places
                for step in item.path {
                    places = places.flatMap { place in
                        names(step, from: place, of: target).flatMap { [place + [$0], place + ["x", $0]] }
                    }
                    reads += places.map { Read(segments: $0, options: item.options) }
                    guard !places.isEmpty, reads.count <= Self.mostReads else { return false }
                }
                guard follow(item.options, from: places, of: target, into: &reads) else { return false }
            }
        }
        return true
    }

    /// Returns the links that a step of `$expand` stands for: itself, or for `*` all that the paths of Graph show.
    private func names(_ step: String, from place: [String], of target: RequestTarget) -> [String] {
        guard step == "*" else { return [step] }
        guard target.service == .graph,
            let node = likeliestMatch(of: PathReader.readings(of: place), target)?.match.node
        else { return [] }
        let nodes = [node] + (paths.key(below: node).map { [$0] } ?? [])
        return nodes.flatMap { paths.children(of: $0).map(\.name) }.filter { $0.allSatisfy(\.isLetter) }
    }
}

/// An item of `$expand`: the links that it follows, and the options for the objects that they lead to.
struct ExpandItem {
    let path: [String]
    let options: [QueryItem]

    /// Returns the items of a text; nil if its quotes and parentheses don't match, or an option has no value.
    static func list(_ text: String) -> [ExpandItem]? {
        guard let parts = PathReader.split(text[...], at: ",") else { return nil }
        var items: [ExpandItem] = []
        for part in parts {
            let head = part.prefix { $0 != "(" }
            guard let options = options(part[head.endIndex...]) else { return nil }
            let path = head.filter { !$0.isWhitespace }.split(separator: "/").map(String.init)
            items.append(ExpandItem(path: path, options: options))
        }
        return items
    }

    private static func options(_ text: Substring) -> [QueryItem]? {
        var text = text
        while text.last?.isWhitespace ?? false { text.removeLast() }
        guard !text.isEmpty else { return [] }
        guard text.last == ")", let parts = PathReader.split(text.dropFirst().dropLast(), at: ";") else { return nil }
        var options: [QueryItem] = []
        for part in parts where !part.allSatisfy(\.isWhitespace) {
            guard let equals = part.firstIndex(of: "=") else { return nil }
            let name = part[..<equals].filter { !$0.isWhitespace }
            options.append(QueryItem(name, String(part[part.index(after: equals)...])))
        }
        return options
    }
}
