internal import MMCore

/// Cmdlets that trace messages.
extension ExchangeCmdlet {
    private static let trace =
        "SenderAddress RecipientAddress StartDate EndDate Status MessageId MessageTraceId FromIP ToIP "
    private static let detail =
        "MessageTraceId RecipientAddress SenderAddress StartDate EndDate MessageId Event Action "

    static let traces: [ExchangeCmdlet] = [
        ExchangeCmdlet(
            "Get-MessageTrace", .reading, trace + "Page PageSize", ExchangeOrganization.messageTracePage),
        ExchangeCmdlet(
            "Get-MessageTraceV2", .reading,
            trace + "Subject SubjectFilterType StartingRecipientAddress ResultSize:n",
            ExchangeOrganization.messageTrace),
        ExchangeCmdlet(
            "Get-MessageTraceDetail", .reading, detail + "Page PageSize", ExchangeOrganization.messageTraceDetail),
        ExchangeCmdlet("Get-MessageTraceDetailV2", .reading, detail, ExchangeOrganization.messageTraceDetail),
    ]
}

extension ExchangeOrganization {
    /// The time between the dates of a trace, in seconds since 1970.
    private typealias Period = (start: Double, end: Double)

    /// Runs `Get-MessageTraceV2`, which has no pages: its warning names the call for the messages that follow.
    fileprivate func messageTrace(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        let size = call.text("ResultSize").flatMap { Int($0) } ?? 1000
        guard (1...5000).contains(size) else {
            throw .invalid("ResultSize", "The value \(size) is outside the range from 1 to 5000.")
        }
        let period = try period(of: call, days: 90)
        // Scripts read the clock once for each date.
        guard period.end - period.start < 10 * 86_400 + 60 else {
            throw .invalidTrace("The StartDate and the EndDate can't be more than 10 days apart.")
        }
        var messages = traced(in: period, call)
        if let recipient = call.text("StartingRecipientAddress")?.lowercased() {
            // Those up to this recipient were in the answer before, whose last message was of the end date.
            messages.removeAll { Double($0.received) == period.end && $0.recipient.lowercased() <= recipient }
        }
        var answer = try ExchangeAnswer.page(of: messages.prefix(size).map(Self.row), call)
        if messages.count > size, answer.next == nil {
            answer.warnings.append(Self.following(messages[size - 1], from: period.start, size, call))
        }
        return answer
    }

    /// Returns the warning that names the call for the messages after the last one of an answer.
    private static func following(
        _ last: TracedMessage, from start: Double, _ size: Int, _ call: InvokedCmdlet
    ) -> String {
        let own = ["startdate", "enddate", "startingrecipientaddress", "resultsize"]
        let filters = call.names.filter { !own.contains($0.lowercased()) && call[$0] != nil }.map { name in
            let values = call[name]?.array?.compactMap(\.string) ?? [call.text(name) ?? ""]
            return " -\(name) " + values.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ",")
        }
        return "There are more results, use the following command to get more. Get-MessageTraceV2 "
            + "-StartDate \"\(ServiceTime.longText(Int64(start)))\" "
            + "-EndDate \"\(ServiceTime.longText(last.received))\" "
            + "-StartingRecipientAddress \"\(last.recipient)\" -ResultSize \(size)" + filters.joined()
    }

    /// Runs `Get-MessageTrace`, the cmdlet before it, with numbered pages.
    fileprivate func messageTracePage(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        let messages = traced(in: try period(of: call, days: 10), call).map(Self.row)
        guard let size = call.text("PageSize").flatMap({ Int($0) }) ?? call.text("Page").map({ _ in 1000 }) else {
            return try .page(of: messages, call)
        }
        let page = call.text("Page").flatMap { Int($0) } ?? 1
        guard (1...5000).contains(size), (1...1000).contains(page) else {
            throw .invalidTrace("The page size must be 1 to 5000, and the page 1 to 1000.")
        }
        return try .page(of: Array(messages.dropFirst((page - 1) * size).prefix(size)), call)
    }

    /// What happened to one message.
    fileprivate func messageTraceDetail(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        let wanted = call.text("MessageTraceId")?.lowercased()
        let recipient = call.text("RecipientAddress")?.lowercased()
        let found = TracedMessage.all(of: store).first {
            $0.traceID == wanted && (recipient == nil || $0.recipient.lowercased() == recipient)
        }
        guard let message = found else { return try .page(of: [], call) }
        let steps: [(event: String, detail: String)] = [
            ("Receive", "Message received by: SANDBOX00MB01.PROD.OUTLOOK.COM"),
            message.hasFailed
                ? ("Fail", "Reason: [{LED=550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found}]")
                : ("Deliver", "The message was successfully delivered."),
        ]
        let rows = steps.map { step -> JSONObject in
            [
                "Organization": .string(TenantIdentity.initialDomain), "MessageId": .string(message.messageID),
                "MessageTraceId": .string(message.traceID), "Date@data.type": "System.DateTime",
                "Date": .string(ServiceTime.text(message.received)), "Event": .string(step.event), "Action": "",
                "Detail": .string(step.detail), "Data": "",
            ]
        }
        return try .page(of: rows, call)
    }

    /// Returns the dates of a call; without them the last 48 hours.
    private func period(of call: InvokedCmdlet, days: Int64) throws(ExchangeFailure) -> Period {
        let now = context.now
        let start = try moment(call, "StartDate") ?? Double(now - 48 * 3600)
        let end = try moment(call, "EndDate") ?? Double(now)
        guard start <= end else { throw .invalidTrace("The start date must be before the end date.") }
        guard start >= Double(now - days * 86_400 - 60) else {
            throw .invalidTrace("Invalid StartDate value. The StartDate can't be older than \(days) days from today.")
        }
        return (start, end)
    }

    /// Returns the messages of a period that fit a call.
    private func traced(in period: Period, _ call: InvokedCmdlet) -> [TracedMessage] {
        func wanted(_ name: String) -> Set<String>? { call.texts(name).map { Set($0.map { $0.lowercased() }) } }
        let (senders, recipients) = (wanted("SenderAddress"), wanted("RecipientAddress"))
        let (messages, traces) = (wanted("MessageId"), wanted("MessageTraceId"))
        let (sources, targets, states) = (wanted("FromIP"), wanted("ToIP"), wanted("Status"))
        let (subject, way) = (call.text("Subject"), call.text("SubjectFilterType"))
        return TracedMessage.all(of: store).filter { message in
            (period.start...period.end).contains(Double(message.received)) && targets == nil
                && senders?.contains(message.sender.lowercased()) ?? true
                && recipients?.contains(message.recipient.lowercased()) ?? true
                && messages?.contains(message.messageID.lowercased()) ?? true
                && traces?.contains(message.traceID) ?? true && sources?.contains(message.fromIP) ?? true
                && states?.contains(Self.status(of: message).lowercased()) ?? true
                && subject.map { Self.subject(message.subject, fits: $0, way) } ?? true
        }
    }

    /// Returns whether a subject fits a text in the way that a call names.
    private static func subject(_ subject: String, fits text: String, _ way: String?) -> Bool {
        switch way?.lowercased() {
        case "startswith": CaselessText.hasPrefix(subject, text)
        case "endswith": CaselessText.hasSuffix(subject, text)
        default: CaselessText.contains(subject, text)
        }
    }

    private static func status(of message: TracedMessage) -> String { message.hasFailed ? "Failed" : "Delivered" }

    private static func row(_ message: TracedMessage) -> JSONObject {
        [
            "Organization": .string(TenantIdentity.initialDomain), "MessageId": .string(message.messageID),
            "Received@data.type": "System.DateTime", "Received": .string(ServiceTime.text(message.received)),
            "SenderAddress": .string(message.sender), "RecipientAddress": .string(message.recipient),
            "Subject": .string(message.subject), "Status": .string(status(of: message)), "ToIP": .null,
            "FromIP": .string(message.fromIP), "Size": .int(Int64(message.size)),
            "MessageTraceId": .string(message.traceID),
        ]
    }
}

extension ExchangeFailure {
    fileprivate static func invalidTrace(_ text: String) -> ExchangeFailure {
        ExchangeFailure(
            400, "BadRequest", type: "Microsoft.Exchange.Management.FfoReporting.InvalidExpressionException", text)
    }
}
