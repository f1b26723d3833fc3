internal import MMCore

/// A cmdlet that sends arbitrary requests, with the parameters that hold the method, the URL, the body and so on. The
/// effect of other parameters is unknown, so a call that uses them requires confirmation.
struct RequestCarrier: Sendable {
    /// The part of the request that a parameter holds.
    enum Role: Sendable {
        case method, address, audience, body, headers, inputFile, outputFile, part, format, harmless
    }

    let service: RequestService
    /// The method if none is given.
    let standardMethod: String
    /// The methods in the order of the module's enumeration: PowerShell accepts their prefixes and numbers too.
    let methods: [String]
    let roles: [String: Role]

    /// Returns the carrier of a cmdlet; `nil` for others.
    static func of(_ cmdlet: String) -> RequestCarrier? { carriers[cmdlet.asciiLowercased] }

    /// Returns the method that a value of the parameter refers to; `nil` if there is none, or several.
    func method(_ written: String) -> String? {
        let word = written.uppercased()
        if let number = Int(word) { return methods.indices.contains(number) ? methods[number] : nil }
        if methods.contains(word) { return word }
        let begun = methods.filter { $0.hasPrefix(word) }
        return begun.count == 1 && !word.isEmpty ? begun[0] : nil
    }

    private static let carriers: [String: RequestCarrier] = [
        "invoke-mggraphrequest": RequestCarrier(
            service: .graph, standardMethod: "GET", methods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
            roles: [
                "method": .method, "uri": .address, "body": .body, "headers": .headers, "inputfilepath": .inputFile,
                "outputfilepath": .outputFile, "outputtype": .format, "contenttype": .harmless,
                "skiphttperrorcheck": .harmless, "skipheadervalidation": .harmless, "passthru": .harmless,
                "statuscodevariable": .harmless, "responseheadersvariable": .harmless, "useragent": .harmless,
            ]),
        "invoke-azrestmethod": RequestCarrier(
            service: .arm, standardMethod: "GET", methods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
            roles: [
                "method": .method, "path": .address, "uri": .address, "resourceid": .audience, "payload": .body,
                "subscriptionid": .part, "resourcegroupname": .part, "resourceprovidername": .part,
                "resourcetype": .part, "name": .part, "apiversion": .part, "waitforcompletion": .harmless,
                "paginate": .harmless, "maxpagesize": .harmless, "defaultprofile": .harmless,
            ]),
        "invoke-pnpgraphmethod": RequestCarrier(
            service: .graph, standardMethod: "GET",
            methods: ["DEFAULT", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "MERGE", "PATCH"],
            roles: [
                "method": .method, "url": .address, "content": .body, "additionalheaders": .headers,
                "contenttype": .harmless, "consistencyleveleventual": .harmless, "raw": .harmless, "all": .harmless,
                "outfile": .outputFile, "connection": .harmless,
            ]),
        "invoke-pnpsprestmethod": RequestCarrier(
            service: .sharePoint, standardMethod: "GET",
            methods: ["DEFAULT", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "MERGE", "PATCH"],
            roles: [
                "method": .method, "url": .address, "content": .body, "contenttype": .harmless, "accept": .harmless,
                "raw": .harmless, "responseheadersvariable": .harmless, "connection": .harmless,
            ]),
        "invokeapi": powerApps, "invokeapinoparsecontent": powerApps,
    ]

    private static let powerApps = RequestCarrier(
        service: .bap, standardMethod: "GET", methods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
        roles: [
            "method": .method, "route": .address, "body": .body, "throwonfailure": .harmless, "apiversion": .harmless,
            "flowapiversion": .harmless,
        ])
}
