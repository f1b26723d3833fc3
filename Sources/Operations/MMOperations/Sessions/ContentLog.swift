import MMCore

extension OperationContext {
    /// The maximum number of characters of a command or an answer in a log line.
    private static let shown = 500

    /// Logs a command and its answer, for connections with `logContent`; for all others only sizes are recorded. The
    /// log redacts the text and writes it on one line.
    /// - Parameters:
    ///   - connection: the connection of the call.
    ///   - module: the module or service.
    ///   - sent: the command or request.
    ///   - answer: the answer.
    ///   - log: the process's log.
    func logContent(
        of connection: Connection, _ module: String, sent: String, answer: OperationAnswer, to log: Log
    ) {
        noteSizes(sent: sent, answer: answer)
        guard connection.logContent else { return }
        let log = log.scoped(connection.name, module)
        // The text is redacted before it is cut, since a secret that is cut off isn't recognized any more.
        let redactor = Redactor.standard
        log.info("sent: \(redactor.text(String(sent.prefix(8 * Self.shown))).prefix(Self.shown))")
        let text: String
        switch answer.body {
        case .text(let whole): text = whole
        case .value(let value): text = JSONWriter.string(value)
        case .json(let bytes): text = String(decoding: bytes.prefix(8 * Self.shown), as: UTF8.self)
        default: return
        }
        log.info("answered: \(redactor.text(String(text.prefix(8 * Self.shown))).prefix(Self.shown))")
    }

    /// Notes the sizes. A JSON value isn't serialized only to be measured; its rows are counted instead.
    private func noteSizes(sent: String, answer: OperationAnswer) {
        record.note("bytesSent", .int(Int64(sent.utf8.count)))
        switch answer.body {
        case .text(let text): record.note("bytesAnswered", .int(Int64(text.utf8.count)))
        case .json(let bytes), .bytes(let bytes, _): record.note("bytesAnswered", .int(Int64(bytes.count)))
        case .value(.array(let rows)): record.note("rows", .int(Int64(rows.count)))
        default: break
        }
    }
}
