internal import MMCore
internal import MMHTTP

/// A parsed request of InvokeCommand.
struct InvokedCmdlet: Sendable {
    /// The cmdlet's name as requested.
    let cmdlet: String
    private let parameters: [String: JSONValue]
    /// The maximum number of rows per page.
    let pageSize: Int
    /// The position in the collection where the page starts.
    let offset: Int
    /// The number of rows on earlier pages.
    let returned: Int
    /// The requested properties in lower case; `nil` for all.
    let select: Set<String>?
    /// The caller.
    let caller: UserRow?
    /// The names of the given parameters.
    let names: [String]

    init?(_ request: HTTPServerRequest, caller: UserRow?) {
        guard let json = try? JSONParser.parse(request.body, limits: JSONLimits(bytes: 8 << 20, depth: 32)),
            let input = json["CmdletInput"], let cmdlet = input["CmdletName"]?.string, !cmdlet.isEmpty
        else { return nil }
        self.cmdlet = cmdlet
        self.caller = caller
        var given: [String: JSONValue] = [:]
        var names: [String] = []
        for (name, value) in input["Parameters"]?.object ?? [:] where !name.contains("@") {
            given[name.lowercased()] = value
            names.append(name)
        }
        parameters = given
        self.names = names
        let wanted = (request.headers["prefer"] ?? "").split(separator: ";").lazy
            .compactMap { part -> Int? in
                let pair = part.split(separator: "=")
                guard pair.count == 2, pair[0].lowercased().hasSuffix("odata.maxpagesize") else { return nil }
                return Int(pair[1])
            }.first
        pageSize = min(max(wanted ?? 1000, 1), 1000)
        let token = request.queryFields["$skiptoken"].flatMap { PageToken($0) }
        offset = token?.raw ?? 0
        returned = token?.matched ?? 0
        select = request.queryFields["$select"].map { Set($0.lowercased().split(separator: ",").map(String.init)) }
    }

    /// Returns a call with the same caller, and only `-Identity`.
    func naming(_ identity: String) -> InvokedCmdlet { InvokedCmdlet(self, identity: identity) }

    private init(_ call: InvokedCmdlet, identity: String) {
        (cmdlet, caller, pageSize) = (call.cmdlet, call.caller, call.pageSize)
        (offset, returned, select) = (0, 0, nil)
        parameters = ["identity": .string(identity)]
        names = ["Identity"]
    }

    /// Returns a parameter's value; the name is case-insensitive.
    subscript(name: String) -> JSONValue? { parameters[name.lowercased()].flatMap { $0.isNull ? nil : $0 } }

    /// Returns whether a parameter was given at all, `null` included.
    func has(_ name: String) -> Bool { parameters[name.lowercased()] != nil }

    /// Returns a parameter as it was given, `null` included.
    func raw(_ name: String) -> JSONValue? { parameters[name.lowercased()] }

    /// Returns a parameter's text.
    func text(_ name: String) -> String? {
        switch self[name] {
        case .string(let text)?: text
        case .int(let number)?: "\(number)"
        default: nil
        }
    }

    /// Returns a parameter's texts: a list, or one.
    func texts(_ name: String) -> [String]? {
        switch self[name] {
        case .string(let text)?: text.split(separator: ",").map { $0.filter { $0 != " " } }
        case .array(let items)?: items.compactMap(\.string)
        default: nil
        }
    }

    /// Returns whether a switch is set.
    func isSet(_ name: String) -> Bool {
        self[name].map { ExchangeParameter.flag.value($0).bool ?? false } ?? false
    }

    /// Returns the maximum number of rows in total; `nil` for all.
    func limit() throws(ExchangeFailure) -> Int? {
        guard let given = self["ResultSize"] else { return 1000 }
        if let number = given.int ?? given.string.flatMap({ Int($0) }), number > 0 { return number }
        if given.string?.lowercased() == "unlimited" { return nil }
        throw ExchangeFailure(
            400, "BadRequest", type: "Microsoft.Exchange.AdminApi.CommandInvocation.ParameterTransformationException",
            "Cannot process argument transformation on parameter 'ResultSize'. Cannot convert value "
                + "\"\(given.string ?? given.description)\" to type \"Microsoft.Exchange.Data.Unlimited`1[System.UInt32]\".",
            isInner: true)
    }
}
