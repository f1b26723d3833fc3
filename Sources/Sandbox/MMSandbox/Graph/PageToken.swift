internal import MMCore

/// The opaque text behind `$skiptoken` and `$deltatoken`.
struct PageToken: Sendable {
    /// The number of rows that were examined, before any filter.
    var raw: Int?
    /// The number of matching rows that were returned.
    var matched: Int?
    /// The state of the tenant at the beginning of a delta query.
    var since: Int?
    /// The run of the sandbox that issued the token; another one can't continue it.
    var tenant: String?
    var select: [String]?

    /// The text.
    var text: String {
        var members: JSONObject = [:]
        if let raw { members["r"] = .int(Int64(raw)) }
        if let matched { members["m"] = .int(Int64(matched)) }
        if let since { members["s"] = .int(Int64(since)) }
        if let tenant { members["t"] = .string(tenant) }
        if let select { members["l"] = .array(select.map(JSONValue.string)) }
        return "RFNwdAIAAQAA" + Base64.text(JSONWriter.bytes(.object(members)), alphabet: .url)
    }

    init(raw: Int? = nil, matched: Int? = nil, since: Int? = nil, tenant: String? = nil, select: [String]? = nil) {
        self.raw = raw
        self.matched = matched
        self.since = since
        self.tenant = tenant
        self.select = select
    }

    init?(_ text: String) {
        guard text.hasPrefix("RFNwdAIAAQAA"), let bytes = Base64.bytes(String(text.dropFirst(12)), alphabet: .url),
            let json = try? JSONParser.parse(bytes), json.object != nil
        else { return nil }
        raw = json["r"]?.int
        matched = json["m"]?.int
        since = json["s"]?.int
        tenant = json["t"]?.string
        select = json["l"]?.array?.compactMap(\.string)
        guard [raw, matched, since].allSatisfy({ $0.map { $0 >= 0 } ?? true }) else { return nil }
    }
}
