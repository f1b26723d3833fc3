package import MMCore

/// A request that changes something and was sent, or was held back.
package struct SentRequest: Sendable, Hashable {
    /// Its number within the session.
    package let number: UInt64
    /// The method.
    package let method: String
    /// The host's address.
    package let origin: String
    /// The kind of request, without what names anybody: a path's template, or a cmdlet.
    package let template: String
    /// The names of what it works on.
    package let targets: [String]
    /// The strictest class of what it does.
    package let guardClass: GuardClass
    /// The status of its answer; nil where none came, or none yet.
    package internal(set) var status: Int?

    init(_ intent: RequestIntent, number: UInt64) {
        self.number = number
        method = intent.request.method.uppercased()
        origin = intent.request.origin
        template = intent.template
        targets = intent.targets
        guardClass = intent.classes.strictest
    }

    /// The request in one line, for people.
    package var line: String {
        let names = targets.prefix(5).joined(separator: ", ") + (targets.count > 5 ? ", …" : "")
        let what = template.hasPrefix("/") ? "\(method) \(origin)\(template)" : template
        return what + (names.isEmpty ? "" : " (\(names))") + (status.map { " → \($0)" } ?? "")
    }

    /// The request as JSON, for models and scripts.
    package var json: JSONValue {
        var object: JSONObject = [
            "method": .string(method), "host": .string(origin), "template": .string(template),
            "targets": .array(targets.map(JSONValue.string)), "class": .string(guardClass.rawValue),
        ]
        object["status"] = status.map { .int(Int64($0)) }
        return .object(object)
    }
}
