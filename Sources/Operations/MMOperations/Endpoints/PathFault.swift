import MMCore
import MMGuard

/// Errors for requests that Graph would not understand, before they are sent.
enum PathFault {
    /// Checks the path, the query and the body of a request.
    /// - Throws: `invalidInput` with the nearest names, and the way to send the request anyway.
    static func check(_ method: String, _ target: RequestTarget, hasBody: Bool, body: JSONValue? = nil) throws(MMError)
    {
        guard target.service == .graph else { return }
        // Behind a colon stand names of files.
        let keys = target.segments.prefix { !$0.hasSuffix(":") }
        if let blank = keys.first(where: isBlank) {
            throw MMError(
                .invalidInput, "\(blank.prefix(80)) in the path stands for a value.",
                hint: "Write the object's id there, or a user's address. "
                    + "`unlisted: true` (--unlisted) sends it as it is.",
                details: ["field": "endpoint"])
        }
        if let fault = PathCheck().fault(method, target) {
            throw error(fault, endpoint: "/" + target.segments.joined(separator: "/"), isSent: true)
        }
        // A creation without any content should not reach a confirmation.
        if !hasBody, PathCheck().needsBody(method, target) {
            let path = "/" + target.segments.joined(separator: "/")
            throw MMError(
                .invalidInput, "A POST to \(path.prefix(200)) needs a body that says what to create or add.",
                hint: "Give `body` (in a terminal: -d '{…}' or -d @file.json). "
                    + "`mm endpoints \(ShellWord.quoted(path)) --method POST` shows one. "
                    + "`unlisted: true` (--unlisted) sends it without a body.",
                details: ["field": "body"])
        }
        if body?.array != nil, BodyCheck().takesObject(method, target) {
            throw MMError(
                .invalidInput, "The body of \(method) \(target.path.prefix(200)) is one object, not a list.",
                hint: "Send a request for each, or all of them with --batch. \(allTheSame)",
                details: ["field": "body"])
        }
        if let body = body?.object, let fault = BodyCheck().fault(method, target, body: body) {
            throw error(fault)
        }
        if method == "GET", let fault = FilterTexts().fault(in: target) { throw error(fault) }
        guard method == "GET", let fault = QueryCheck().fault(in: target) else { return }
        let near = fault.near.isEmpty ? "" : " Near: \(fault.near.joined(separator: ", "))."
        throw MMError(
            .invalidInput,
            "`\(fault.option)` names `\(fault.name.prefix(80))`, which \(fault.type) doesn't have.\(near)",
            hint: "`mm endpoints --properties \(fault.type)` lists its properties. \(allTheSame)",
            details: ["near": .array(fault.near.map { .string($0) }), "type": .string(fault.type)])
    }

    /// Returns whether a step of a path is a blank of a template: `{user-id}`, `<user-id>` or `:id`. An id in braces
    /// has digits.
    private static func isBlank(_ step: String) -> Bool {
        let name =
            switch (step.first, step.last) {
            case ("{", "}"), ("<", ">"): step.dropFirst().dropLast()
            case (":", _): step.dropFirst()
            default: Substring()
            }
        return name.first?.isLetter == true && name.allSatisfy { $0.isLetter || $0 == "-" || $0 == "_" }
    }

    /// Checks the requests within a batch.
    /// - Throws: as for a single request, with the item's id.
    static func check(_ items: [BatchItems.Item]) throws(MMError) {
        for item in items {
            do throws(MMError) { try check(item.method, item.target, hasBody: item.hasBody, body: item.body) } catch {
                var details = error.details
                details["item"] = .string(item.id)
                throw MMError(
                    error.code, "Item \(item.id) of the batch: \(error.message)", hint: error.hint, details: details)
            }
        }
    }

    /// Returns the error for a fault of a filter.
    private static func error(_ fault: FilterTexts.Fault) -> MMError {
        let written = fault.written.prefix(200)
        return switch fault.remedy {
        case .quotes(let right):
            MMError(
                .invalidInput, "Strings in `$filter` need single quotes: `\(written)` has none.",
                hint: "Write \(right.prefix(200)). Double a quote within a string. \(allTheSame)",
                details: ["field": "query"])
        case .operator(let right):
            MMError(
                .invalidInput, "`$filter` has no operator `\(written)`.",
                hint: (right.map { "Write `\($0)`." }
                    ?? "It compares with eq, ne, gt, ge, lt, le, in and has, or with functions: startsWith(mail,'ada').")
                    + " \(allTheSame)",
                details: ["field": "query"])
        }
    }

    /// Returns the error for a fault of a body, which should not reach a confirmation.
    private static func error(_ fault: BodyCheck.Fault) -> MMError {
        let name = fault.name.prefix(80)
        switch fault.problem {
        case .unknown(let near):
            let names =
                near.isEmpty
                ? "`mm endpoints --properties \(fault.type)` lists its properties."
                : "Near: \(near.joined(separator: ", "))."
            return MMError(
                .invalidInput, "`body` has `\(name)`, which \(fault.type) doesn't have.",
                hint: "\(names) \(allTheSame)",
                details: ["field": "body", "near": .array(near.map { .string($0) })])
        case .value(let words):
            return MMError(
                .invalidInput, "`\(name)` in `body` has to be \(words).", hint: allTheSame,
                details: ["field": "body", "member": .string(fault.name)])
        }
    }

    /// Returns the error for a fault of a path.
    static func error(_ fault: PathCheck.Fault, endpoint: String, isSent: Bool) -> MMError {
        let hint = isSent ? " \(allTheSame)" : ""
        switch fault {
        case .unknown(let after, let step, let near):
            let place = after.isEmpty ? "Microsoft Graph has no path /\(step)" : "\(after) has no `\(step)`"
            let whole = endpoint == "/\(step)" ? "" : " (\(endpoint.prefix(200)))"
            return MMError(
                .invalidInput, "\(place)\(whole).",
                hint: (near.isEmpty ? "`mm endpoints 'words'` finds paths." : "Near: \(near.joined(separator: ", ")).")
                    + hint,
                details: ["near": .array(near.map { .string($0) })])
        case .betaOnly(let path):
            return MMError(
                .invalidInput, "Only beta has \(path.dropFirst(5)).", hint: "Ask for /beta\(endpoint).\(hint)",
                details: ["near": .array([.string(path)])])
        case .method(let template, let methods, let links):
            let shown = links.isEmpty ? template : template + "/$ref"
            let change = links.isEmpty ? "" : "\(links.joined(separator: ", ")) of \(shown) change its links. "
            return MMError(
                .invalidInput, "\(template) has no such method; it has \(methods.joined(separator: ", ")).",
                hint: "\(change)`mm endpoints \(ShellWord.quoted(shown))` shows what each needs.\(hint)",
                details: ["methods": .array(methods.map { .string($0) })])
        }
    }

    private static let allTheSame = "If it is new in Graph, `unlisted: true` (--unlisted) sends it anyway."
}
