package import MMCore

/// A service error, split into the parts that PowerShell shows.
package struct ExchangeError: Error, Sendable, Hashable {
    /// The HTTP status; 200 for an error within a call that succeeded.
    package let status: Int
    /// The service's error code, such as `NotFound` or `BadRequest`.
    package let code: String
    /// The short id before the message, such as `Ex6F9304`; may be empty.
    package let id: String
    /// The .NET type of the exception; may be empty.
    package let exceptionType: String
    /// The error message.
    package let message: String
    /// PowerShell's error category, such as `ObjectNotFound`.
    package let category: String
    /// The cmdlet that was called.
    package let cmdlet: String
    /// The request id, by which the service's operators can find the request.
    package let requestID: String?
    /// The server that ran the cmdlet.
    package let server: String?
    /// The time of the response, as the service writes it.
    package let date: String?
    /// The wait that the service asks for.
    package let retryAfter: Duration?

    /// Parses an error response.
    init(_ response: GraphResponse, cmdlet: String, retryAfter: Duration? = nil) {
        let json = try? JSONParser.parse(response.body, limits: JSONLimits(bytes: 4 << 20, depth: 64))
        let error = json?["error"]
        let inner = error?["innererror"] ?? error?["innerError"]
        let exception = inner?["internalexception"]
        let reason = exception?["message"]?.string.flatMap { Self.isGeneric($0) ? nil : $0 }
        var said = Words(text: error?["message"]?.string ?? json?["message"]?.string ?? "")
        if let reason {
            said = Words(text: reason)
            said.type = exception?["type"]?.string ?? ""
        }
        var number: String?
        for detail in error?["details"]?.array ?? [] {
            guard let text = detail["message"]?.string, !text.isEmpty else { continue }
            said = Words(text: text)
            if let reason, !said.text.contains(reason) { said.text += " \(reason)" }
            number = detail["code"]?.string ?? detail["code"]?.int.map(String.init)
            break
        }
        if said.type.isEmpty {
            said.type = response.header("x-ExceptionType") ?? response.header("x-ExceptionTargetType") ?? ""
        }
        status = response.status
        code = error?["code"]?.string ?? ""
        id = said.id
        exceptionType = said.type
        message = said.text.isEmpty ? Self.sentence(response, cmdlet) : said.text
        category = Self.category(number, said.type, response.status)
        self.cmdlet = cmdlet
        requestID = response.requestID
        server = response.header("X-CalculatedBETarget")
        date = response.header("Date")
        self.retryAfter = retryAfter
    }

    /// Parses an error that was reported beside the rows of a successful call.
    init(_ entry: JSONValue, beside response: GraphResponse, cmdlet: String) {
        let said = Words(
            text: entry.string ?? entry["message"]?.string ?? entry["Message"]?.string ?? entry.description)
        status = response.status
        code = entry["code"]?.string ?? ""
        id = said.id
        exceptionType = said.type
        message = said.text
        category = Self.category(entry["code"]?.string ?? entry["code"]?.int.map(String.init), said.type, 200)
        self.cmdlet = cmdlet
        requestID = response.requestID
        server = response.header("X-CalculatedBETarget")
        date = response.header("Date")
        retryAfter = nil
    }

    /// PowerShell's fully qualified error id, in the Exchange module's form.
    package var fullyQualifiedID: String {
        let facts = [("Server", server), ("RequestId", requestID), ("TimeStamp", date)]
            .compactMap { name, value in value.map { "\(name)=\($0)" } }
        return "[\(facts.joined(separator: ","))],Write-ErrorMessage"
    }

    /// Whether the error is temporary on the service's side, so that trying again helps.
    var isTransient: Bool {
        Self.transients.contains { exceptionType.contains($0) || message.contains($0) }
    }

    private static let transients = [
        "DCOverloadedException", "SuitabilityDirectoryException", "ServerInMMException",
        "ADServerSettingsChangedException", "StorageTransientException",
    ]

    /// The parts of a message, which is `ID|Type|text`, a JSON text, or plain words.
    private struct Words {
        var id = ""
        var type = ""
        var text: String

        init(text: String) {
            let parts = text.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false)
            if parts.count == 3, !parts[0].contains(" "), !parts[1].contains(" ") {
                id = String(parts[0])
                type = String(parts[1])
                self.text = Self.oneLine(String(parts[2]))
                return
            }
            if text.hasPrefix("{"),
                let json = try? JSONParser.parse(text, limits: JSONLimits(bytes: 1 << 20, depth: 32)),
                let said = json["Message"]?.string ?? json["message"]?.string
            {
                id = json["localizedString"]?["stringId"]?.string ?? ""
                type = json["TypeName"]?.string ?? json["ClassName"]?.string ?? ""
                self.text = Self.oneLine(said)
                return
            }
            self.text = Self.oneLine(text)
        }

        private static func oneLine(_ text: String) -> String { text.onOneLine(most: 2000) }
    }

    private static func isGeneric(_ text: String) -> Bool {
        text.isEmpty || text.hasPrefix("Exception of type ") || text == "Error executing cmdlet"
    }

    /// Returns the meaning of a response without a message.
    private static func sentence(_ response: GraphResponse, _ cmdlet: String) -> String {
        switch response.status {
        case 401: "The service refuses the token, even after renewal."
        case 403: "The account has no role that allows \(cmdlet)."
        case 404: "The service has no such address or object."
        case 413: "The request is larger than the service accepts."
        case 429: "Too many requests."
        default: "The service answered with status \(response.status) and no reason."
        }
    }

    /// Returns PowerShell's category: by the service's number if there is one, otherwise derived from the error.
    private static func category(_ number: String?, _ type: String, _ status: Int) -> String {
        if let number, let place = Int(number), categories.indices.contains(place), place > 0 {
            return categories[place]
        }
        if type.contains("ObjectNotFoundException") || status == 404 { return "ObjectNotFound" }
        if type.contains("AlreadyExistsException") { return "ResourceExists" }
        switch status {
        case 401: return "AuthenticationError"
        case 403: return "PermissionDenied"
        case 413, 429: return "LimitsExceeded"
        case 503: return "ResourceUnavailable"
        case 504: return "OperationTimeout"
        default: return type.contains("Parameter") ? "InvalidArgument" : "NotSpecified"
        }
    }

    // System.Management.Automation.ErrorCategory, by value.
    private static let categories = [
        "NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument", "InvalidData",
        "InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented", "NotInstalled",
        "ObjectNotFound", "OperationStopped", "OperationTimeout", "SyntaxError", "ParserError", "PermissionDenied",
        "ResourceBusy", "ResourceExists", "ResourceUnavailable", "ReadError", "WriteError", "FromStdErr",
        "SecurityError", "ProtocolError", "ConnectionError", "AuthenticationError", "LimitsExceeded", "QuotaExceeded",
        "NotEnabled",
    ]
}

extension ExchangeError {
    /// Returns the error to report from an operation.
    /// - Parameters:
    ///   - connection: the name of the connection.
    ///   - service: the endpoint that responded.
    package func mmError(of connection: String, _ service: ExchangeService) -> MMError {
        var details: JSONObject = [
            "service": .string(service.rawValue), "connection": .string(connection), "cmdlet": .string(cmdlet),
            "status": .int(Int64(status)), "category": .string(category),
        ]
        if !code.isEmpty { details["code"] = .string(code) }
        if !exceptionType.isEmpty { details["exception"] = .string(exceptionType) }
        if let requestID { details["requestId"] = .string(requestID) }
        if let server { details["server"] = .string(server) }
        return MMError(kind, "\(cmdlet): \(message)", hint: hint(for: connection), retry: retry, details: details)
    }

    /// The kind of failure.
    package var kind: MMErrorCode {
        // The second type concerns the permissions of a folder, for a user who has none.
        if ["ObjectNotFoundException", "UserNotFoundInPermissionEntryException"].contains(where: exceptionType.contains)
        {
            return .notFound
        }
        return switch status {
        case 401, 403: .forbidden
        case 404: .notFound
        case 409, 412: .conflict
        case 413: .limitExceeded
        case 429: .throttled
        case 501: .unsupported
        case 503: .unavailable
        default: .remoteFailed
        }
    }

    private var retry: MMError.Retry {
        switch status {
        case 429, 503: .after(retryAfter ?? .seconds(30))
        default: .never
        }
    }

    /// Returns the remedy, if known.
    /// - Parameter connection: the name of the connection.
    package func hint(for connection: String) -> String? {
        switch status {
        case 401:
            "Sign in again: mm login \(ShellWord.quoted(connection)). The app registration needs the delegated "
                + "permission Exchange.Manage."
        case 403:
            "An administrator must give the account an Exchange or compliance role that contains this cmdlet; "
                + "mm cmdlets --connection \(ShellWord.quoted(connection)) shows what it may run."
        case 413: "Send less in one command: fewer values, or a shorter list."
        case 429, 503: ServiceError.later(retryAfter)
        // A gateway has answered, and may have passed the cmdlet on.
        case 502, 504: ExchangeCommand(cmdlet).isReadOnly ? nil : ExchangeCommand(cmdlet).checkFirst
        default: nil
        }
    }
}

/// One page of a cmdlet's rows, with the messages that came with it.
package struct ExchangePage: Sendable {
    /// The rows, each a JSON text; slices of the response.
    package internal(set) var rows: [ArraySlice<UInt8>]
    /// The warnings.
    package internal(set) var warnings: [String] = []
    /// Errors that didn't end the cmdlet.
    package internal(set) var errors: [ExchangeError] = []
    /// The action that the cmdlet would take, or asks to confirm: the text of `-WhatIf` and `-Confirm`.
    package internal(set) var confirmation: String?
    /// The link to the next page, as the service writes it.
    let nextLink: String?

    /// Parses a response; one without `value` means that the cmdlet printed nothing.
    /// - Throws: `.remoteFailed` when the body isn't a complete JSON text.
    init(_ response: GraphResponse, of command: ExchangeCommand) throws(MMError) {
        guard response.status != 204, !response.body.allSatisfy({ $0 <= 0x20 }) else {
            rows = []
            nextLink = nil
            return
        }
        guard let findings = PageScanner.scan(response.body) else {
            let advice = command.isReadOnly ? "Try again." : command.checkFirst
            throw MMError(
                .remoteFailed, "The answer to \(command.cmdlet) isn't JSON, or only a part of it.",
                hint: "A proxy or another device may have answered instead of the service. \(advice)",
                retry: command.isReadOnly ? .now : .never, details: ["cmdlet": .string(command.cmdlet)])
        }
        rows = findings.items?.map { response.body[$0] } ?? []
        let envelope = findings.envelope
        warnings = (envelope["@adminapi.warnings"]?.array ?? []).compactMap(Self.text)
        errors = (envelope["@adminapi.errors"]?.array ?? []).map {
            ExchangeError($0, beside: response, cmdlet: command.cmdlet)
        }
        confirmation = envelope["@adminapi.confirmationmessage"].flatMap(Self.text)
        nextLink = GraphPage.link(in: envelope)
    }

    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text.isEmpty ? nil : text
        case .null: nil
        case .object(let members): members["Message"]?.string ?? members["message"]?.string ?? value.description
        default: value.description
        }
    }
}

/// The pages of one cmdlet. They are fetched on demand and never ahead: if the caller stops early, no further requests
/// are sent.
package struct ExchangePages: Sendable {
    private let client: ExchangeClient
    private let command: ExchangeCommand
    private let deadline: Deadline
    private let report: @Sendable (String) -> Void
    private var place: Place
    private var rows = 0
    private var pages = 0
    private var emptyPages = 0
    private var seen: Set<Int> = []

    private enum Place: Sendable {
        case first
        case next(String)
        case end
    }

    /// The number of consecutive empty pages after which the service is assumed never to end.
    private static let mostEmptyPages = 200
    private static let mostPages = 1_000_000

    init(
        client: ExchangeClient, command: ExchangeCommand, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void, after first: ExchangePage? = nil
    ) {
        self.client = client
        self.command = command
        self.deadline = deadline
        self.report = report
        if let first {
            place = first.nextLink.map { Place.next($0) } ?? .end
        } else {
            place = .first
        }
    }

    /// Returns the next page; `nil` after the last.
    /// - Throws: `refused` with the service's error; `failed` for sign-in, network, and links that are foreign or
    ///   repeat.
    package mutating func next() async throws(ExchangeFault) -> ExchangePage? {
        var link: String?
        switch place {
        case .end: return nil
        case .first: break
        case .next(let address): link = address
        }
        place = .end
        let wanted = command.limit.map { max(1, min($0 - rows, command.pageSize)) } ?? command.pageSize
        var page = try await client.page(of: command, at: link, size: wanted, deadline: deadline, report: report)
        pages += 1
        emptyPages = page.rows.isEmpty ? emptyPages + 1 : 0
        if let limit = command.limit, rows + page.rows.count > limit {
            page.rows.removeLast(rows + page.rows.count - limit)
        }
        rows += page.rows.count
        let isFull = command.limit.map { rows >= $0 } ?? false
        guard let nextLink = page.nextLink, !isFull else { return page }
        guard seen.insert(nextLink.hashValue).inserted else {
            throw .failed(
                MMError(
                    .remoteFailed, "The pages of \(command.cmdlet) form a loop: a next link came twice.",
                    hint: "The rows so far may repeat. Narrow the command and try again.",
                    details: ["cmdlet": .string(command.cmdlet), "rows": .int(Int64(rows))]))
        }
        guard emptyPages < Self.mostEmptyPages, pages < Self.mostPages else {
            throw .failed(
                MMError(
                    .remoteFailed, "The pages of \(command.cmdlet) don't end.",
                    hint: "Give -ResultSize a number, or narrow the command.",
                    details: ["cmdlet": .string(command.cmdlet), "pages": .int(Int64(pages))]))
        }
        // Every page but the last warns that there are more results; only the last page's warning is meaningful.
        page.warnings.removeAll { $0.contains("more results available") || $0.contains("-ResultSize") }
        place = .next(nextLink)
        return page
    }
}
