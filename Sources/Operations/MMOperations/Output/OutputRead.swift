package import MMCore
import MMSessions
import MMShell

extension OperationDeclaration {
    /// The declaration of `output`.
    package static let output = OperationDeclaration(
        "output", aliases: ["mm_output"], command: ["output"], title: "Read a stored answer",
        summary: "Page through or filter an answer that was too long to return at once.",
        description:
            "Reads a long answer by its handle: a page, or a jq filter over all of it. "
            + "Example: {\"handle\": \"…\", \"filter\": \"map(select(.mail == null)) | length\"}",
        effects: .init(readOnly: true, idempotent: true), home: .besideSessions,
        examples: [
            .init("mm output HANDLE --offset 200 --limit 100", "rows 200 to 299"),
            .init("mm output HANDLE --filter '.[].mail'", "one member of every row"),
            .init("mm output JOB --action wait", "waits for a background call and shows its answer"),
        ]
    ).kept(by: .handle)
}

/// `output`: pages and filters an answer that was too long to be returned whole, and reads, waits for or ends running
/// calls and commands.
package struct OutputRead: CatalogueOperation {
    package struct Input: OperationInput {
        @Argument("handle", "Handle from the long answer.", .at(0), .completes(.jobs)) var handle: String
        @Argument("offset", "First row, line or byte, from 0.", in: 0...1_000_000_000) var offset = 0
        @Argument("limit", "Maximum rows, lines or bytes (default: what fits).", in: 1...1_000_000) var limit: Int?
        @Argument("unit", "Unit of offset and limit.") var unit: OutputUnit?
        @Argument("filter", "jq filter for the whole answer, such as .[].displayName.") var filter: String?
        @Argument("output", "Format of rows.", of: ["json", "jsonl", "table", "csv"]) var form: String?
        @Argument("download", "File for the whole answer, or handle.", .completes(.files)) var download: String?
        @Argument("action", "For a background call (default read).") var action = JobAction.read

        /// Creates an input without arguments.
        package init() {}

        package func check() throws(MMError) {
            guard download == nil || offset == 0 && limit == nil && action == .read else {
                throw MMError(
                    .invalidInput, "`download` writes the whole answer.", hint: "Leave out offset, limit and action.")
            }
        }
    }

    package let declaration = OperationDeclaration.output

    package func run(
        _ input: Input, in context: OperationContext, with shells: ShellServices
    ) async throws(MMError) -> OperationAnswer {
        let services = shells.work
        let outputs = services.outputs.of(context.call.caller)
        if WorkHandle.isValid(input.handle) {
            let work = try await services.work(input.handle, of: context.call)
            var reading = input
            // In a file, the filter's results get a form of their own.
            if input.download != nil { reading.filter = nil }
            let read = try await WorkRead(work: work, services: services).run(reading, in: context)
            // A call's answer was already filtered for secrets; a shell's output is filtered here.
            let answer = work is ShellTask ? OutgoingFilter().answer(read) : read
            guard let named = input.download, work.ended != nil else { return answer }
            let stored = try await outputs.put(answer, for: context.call.caller)
            defer { if named != RowExport.handleWord { try? outputs.remove(stored.handle) } }
            return try await StoredDownload(stored: stored, outputs: outputs, context: context, services: shells)
                .run(to: named, form: input.form, filter: input.filter)
        }
        let stored = try outputs.find(input.handle)
        // A handle is not a permission: callers that may not use the connection may not read its data.
        if let server = context.call.caller.server {
            if stored.connection != "/\(server)" {
                _ = try services.registry.connection(named: stored.connection, in: context)
            }
        } else if !stored.connection.hasPrefix("/") {
            _ = try services.registry.connection(named: stored.connection, in: context)
        }
        // A stored answer is complete, so there is nothing to wait for.
        guard input.action != .cancel else {
            throw MMError(.conflict, "This call has ended: there is nothing to cancel.")
        }
        if let named = input.download {
            return try await StoredDownload(stored: stored, outputs: outputs, context: context, services: shells)
                .run(to: named, form: input.form, filter: input.filter)
        }
        if let filter = input.filter {
            return try await FilteredOutput(input: input, outputs: outputs, context: context)
                .run(
                    filter, on: try StoredDownload.json(of: stored, in: outputs), from: stored.connection,
                    isForeign: stored.isForeign)
        }
        return try Self.part(of: stored, input, outputs, in: context)
    }

    /// Returns whether a call wants the answer of ended work filtered or in a file, rather than as it is.
    /// - Throws: the error of an invalid argument.
    package static func converts(_ operation: AnyOperation, _ arguments: JSONObject) throws(MMError) -> Bool {
        let reader = try InputReader(
            operation: operation.declaration.name, arguments: arguments, fields: Input.fields)
        let input = try Input(from: reader)
        return input.filter != nil || input.download != nil
    }

    /// Returns the part of a stored answer that the caller asked for, as many rows, lines or bytes as fit.
    static func part(
        of stored: StoredOutput, _ input: Input, _ outputs: OutputStore, in context: OperationContext
    ) throws(MMError) -> OperationAnswer {
        let budget: OutputBudget =
            context.call.caller.surface == .terminal
            ? OutputBudget(characters: .max, tokens: .max) : .standard.reserving(characters: 500)
        if let answer = try printed(input, stored, outputs, in: context) { return answer }
        let page = try outputs.page(
            stored.handle, offset: input.offset, limit: input.limit, unit: input.unit, budget: budget, layout: .compact)
        var notes = ["\(page.unit.rawValue) \(page.offset) to \(page.offset + page.count) of \(page.total)"]
        if let next = page.nextOffset { notes.append("The next page starts at offset \(next).") }
        if let limit = input.limit, page.nextOffset != nil, page.count < limit {
            notes.append(Self.cut(limit, to: page.count, page.unit))
        }
        if let cut = page.cutAtByte {
            notes.append("The row is longer than one answer can be; continue with unit bytes, offset \(cut).")
        }
        let body: OperationAnswer.Body =
            page.unit == .rows && page.cutAtByte == nil ? .json(Array(page.text.utf8)) : .text(page.text)
        var answer = OperationAnswer(body, notes: notes, connection: stored.connection)
        answer.isForeign = stored.isForeign
        // An answer without a connection may be from a shell, whose output is filtered.
        return stored.connection.hasPrefix("/") ? OutgoingFilter().answer(answer) : answer
    }

    /// Returns a note about a limit that exceeds the size of an answer.
    private static func cut(_ limit: Int, to count: Int, _ unit: OutputUnit) -> String {
        "limit \(limit) is more than one answer can hold: \(count) \(unit.rawValue) fit. `download` writes everything to a file."
    }

    /// Returns as many rows as fit in the format that a model gets; `nil` for any other page.
    private static func printed(
        _ input: Input, _ stored: StoredOutput, _ outputs: OutputStore, in context: OperationContext
    ) throws(MMError) -> OperationAnswer? {
        guard context.call.caller.surface == .mcp, input.form == "csv" || input.form == "table", stored.unit == .rows,
            input.unit == nil || input.unit == .rows
        else { return nil }
        // Rows are much shorter in these formats than as JSON.
        let wide = OutputBudget(
            characters: OutputBudget.standard.characters * 8, tokens: OutputBudget.standard.tokens * 8)
        let page = try outputs.page(
            stored.handle, offset: input.offset, limit: input.limit, unit: .rows, budget: wide, layout: .compact)
        guard page.cutAtByte == nil, let items = (try? JSONParser.parse(Array(page.text.utf8)))?.array, !items.isEmpty
        else { return nil }
        let room = OutputBudget.standard.reserving(characters: 800)
        var count = items.count
        func text(_ count: Int) -> String {
            let rows = Rows(items: Array(items.prefix(count)))
            let lines = [rows.columns] + rows.items.map { rows.cells(of: $0) }
            return lines.map { CSVText.line($0, isForSheets: false) }.joined(separator: "\n")
        }
        while count > 1, !room.allows(Array(text(count).utf8)) { count = max(1, min(count - 1, count * 7 / 8)) }
        let end = page.offset + count
        var notes = ["rows \(page.offset) to \(end) of \(page.total)"]
        if end < page.total { notes.append("The next page starts at offset \(end).") }
        if let limit = input.limit, count < min(limit, page.total - page.offset) {
            notes.append(Self.cut(limit, to: count, .rows))
        }
        var answer = OperationAnswer(
            .value(.array(Array(items.prefix(count)))), notes: notes, connection: stored.connection)
        answer.isForeign = stored.isForeign
        return answer
    }
}

/// What `output` does with a background call or command.
package enum JobAction: String, CaseIterable, ArgumentValue {
    /// It returns the result, or the progress so far.
    case read
    /// It waits for the end.
    case wait
    /// It ends the work.
    case cancel
}

extension OperationService {
    /// Reads a background call or command, waits for it, or ends it; also reads a stored answer.
    /// - Parameters:
    ///   - handle: the handle of the work or the answer.
    ///   - action: what to do with the work.
    /// - Throws: the errors of `output`, and the error of a call that failed.
    package func output(
        of handle: String, _ action: JobAction = .read, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        try await call(.output, ["handle": .string(handle), "action": .string(action.rawValue)], in: context)
    }
}

/// `output` with the handle of running work: a call, or a command of a shell.
struct WorkRead: Sendable {
    let work: any OperationWork
    let services: WorkServices

    /// Reads the result, waits for it, or ends the work.
    ///
    /// Reading has no side effect; the answer can be read again.
    func run(_ input: OutputRead.Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        if input.action == .cancel { return try await work.end(for: context, from: services) }
        var prompt: ShellPrompt?
        if input.action == .wait {
            // A waiting caller gets the work's progress, like the one that started it.
            let (events, report) = (work.events, context.call.progress)
            let telling = Task {
                for await event in events {
                    guard case .progress(let now) = event else { continue }
                    report(ProgressReport(done: now.done, total: now.total, message: now.message))
                }
            }
            defer { telling.cancel() }
            prompt = try await work.wait(for: WaitingWish(), until: .after(wait(in: context)))
        }
        if Task.isCancelled { throw MMError(.cancelled, "The wait was cancelled; the job keeps running.") }
        if input.filter == nil, input.offset > 0 || input.limit != nil {
            guard input.unit == nil || input.unit == .bytes else {
                throw MMError(
                    .invalidInput, "The output of a job is counted in bytes.", hint: "Leave out unit, or use bytes.")
            }
            return try await work.page(.stdout, from: input.offset, limit: input.limit, to: context, from: services)
        }
        let answer = try await work.answer(to: context, prompt: prompt, from: services)
        guard let filter = input.filter, work.ended != nil else { return answer }
        let outputs = services.outputs.of(context.call.caller)
        return try await FilteredOutput(input: input, outputs: outputs, context: context)
            .run(
                filter, on: try await answer.wholeJSON(), from: answer.connection, isForeign: answer.isForeign)
    }

    /// Returns the time to wait: the caller's own limit, but not beyond the call's deadline.
    private func wait(in context: OperationContext) -> Duration {
        let left = context.deadline.instant.map { max(.zero, $0 - .now - .milliseconds(200)) } ?? .seconds(86_400)
        return min(context.call.backgroundAfter ?? left, left)
    }
}

extension OutputStore {
    /// Stores a whole answer, to be filtered or written to a file.
    package func put(_ answer: OperationAnswer, for caller: Caller) async throws(MMError) -> StoredOutput {
        let owner = answer.connection ?? "/\(caller.server ?? "")"
        if case .text(let text) = answer.body {
            return try put(Array(text.utf8), connection: owner, asText: true, isForeign: answer.isForeign)
        }
        return try put(try await answer.wholeJSON(), connection: owner, isForeign: answer.isForeign)
    }
}

/// Writes a stored answer to a file: its rows in a format, or the output of a jq program; text as it is.
struct StoredDownload {
    let stored: StoredOutput
    let outputs: OutputStore
    let context: OperationContext
    let services: ShellServices

    /// Writes the file.
    /// - Throws: `invalidInput` for a format that the answer can't have; the error of the file's folder.
    func run(to named: String, form word: String?, filter: String?) async throws(MMError) -> OperationAnswer {
        let form = try RowForm.of(word, file: named)
        let export = RowExport(
            context: context, services: services, connection: stored.connection, form: form, replaces: false,
            isForeign: stored.isForeign)
        let place = try await export.place(named, suggested: "\(stored.handle).\(form.rawValue)")
        if let filter {
            let result = try await JQProgram(filter).run(on: try Self.json(of: stored, in: outputs))
            return try await export.write(Self.stream(of: result), to: place)
        }
        if stored.unit == .rows { return try await export.write(ItemStream(of: stored, in: outputs), to: place) }
        guard word != nil || RowForm.byName(named) != nil, let rows = CSVRows.read(try outputs.read(stored)),
            form != .csv
        else {
            return try await copy(to: place)
        }
        return try await export.write(
            ItemStream(startingWith: rows.map { JSONWriter.bytes($0)[...] }) { nil }, to: place)
    }

    /// Copies the text unchanged.
    private func copy(to place: LocalFiles.Place?) async throws(MMError) -> OperationAnswer {
        guard let place else {
            return OperationAnswer(.value(["handle": .string(stored.handle)]), connection: stored.connection)
        }
        let file = try await RowFile(at: place, replaces: false)
        var start = 0
        while start < stored.bytes {
            let piece = try outputs.bytes(of: stored, from: start, limit: 1 << 20)
            guard !piece.isEmpty else { break }
            try await file.write(piece)
            start += piece.count
        }
        let size = try await file.finish()
        return OperationAnswer(
            .value(["path": .string(place.path), "size": .int(Int64(size))]), text: "\(place.path): \(size) bytes",
            connection: stored.connection)
    }

    /// Returns an answer as JSON for a jq program: CSV as its rows, other text as one string.
    static func json(of stored: StoredOutput, in outputs: OutputStore) throws(MMError) -> [UInt8] {
        let bytes = try outputs.read(stored)
        if stored.unit == .rows || (try? JSONParser.parse(bytes)) != nil { return bytes }
        if let rows = CSVRows.read(bytes) { return JSONWriter.bytes(.array(rows)) }
        return JSONWriter.bytes(.string(String(decoding: bytes, as: UTF8.self)))
    }

    /// Returns the values that a jq program wrote; of a single list, its items.
    private static func stream(of result: [UInt8]) -> ItemStream {
        let lines = result.split(separator: 0x0A)
        if lines.count == 1, let rows = JSONRows.find(in: Array(lines[0])) {
            let line = Array(lines[0])
            return ItemStream(startingWith: rows.items.map { line[$0] }) { nil }
        }
        return ItemStream(startingWith: lines.map { $0 }) { nil }
    }
}

extension OutputUnit: ArgumentValue {}
