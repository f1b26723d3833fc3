import MMCore
import MMDesk
import MMNative

/// The rows of one cmdlet, page by page.
struct ExchangeRows: CmdletRows {
    private let source: ExchangeSource
    private var pages: ExchangePages
    private let command: ExchangeCommand
    private let errorAction: String?
    private let isPreview: Bool
    private let isAsking: Bool
    private let isSilent: Bool
    private var isNoted = false
    private var reader: ExchangeRowReader
    private var isOver = false
    /// What ends the script once the rows that came with it are handed on.
    private var stop: PipelineStop?

    init(
        source: ExchangeSource, pages: ExchangePages, command: ExchangeCommand, view: CmdletView?,
        errorAction: String?, isPreview: Bool, isAsking: Bool, isSilent: Bool
    ) {
        reader = ExchangeRowReader(view: view)
        self.source = source
        self.pages = pages
        self.command = command
        self.errorAction = errorAction
        self.isPreview = isPreview
        self.isAsking = isAsking
        self.isSilent = isSilent
    }

    mutating func next() async throws(CmdletFault) -> CmdletBatch? {
        if let stop { throw .interrupted(stop) }
        guard !isOver else { return nil }
        var entry: JournalEntry?
        if !isNoted {
            entry = await source.begin(command)
            source.noteRequest(of: command)
        }
        isNoted = true
        let page: ExchangePage?
        do throws(ExchangeFault) {
            page = try await pages.next()
            await source.end(entry, .success(page))
        } catch {
            isOver = true
            let cause = error.mmError(of: source.connectionName, source.endpoint)
            await source.end(entry, .failure(cause))
            return try ended(by: error, cause)
        }
        guard let page else {
            isOver = true
            return nil
        }
        if errorAction == "stop", let error = page.errors.first {
            isOver = true
            stop = PipelineStop(endingWith: ExchangeRecord.of(error))
        }
        return batch(page)
    }

    /// What becomes of the script when a cmdlet was not carried out: its own `-ErrorAction` and `$ErrorActionPreference` say
    /// so, and where neither does, a refusal ends it and an error of one object doesn't.
    private func ended(by fault: ExchangeFault, _ cause: MMError) throws(CmdletFault) -> CmdletBatch? {
        let record: NativeError
        let isRefusal: Bool
        switch fault {
        case .failed(let failure):
            record = ExchangeRecord.of(failure, cmdlet: command.cmdlet)
            if failure.concernsTheCaller {
                source.note(failure: failure)
                throw .interrupted(PipelineStop(refusedWith: record))
            }
            isRefusal = true
        case .refused(let refusal):
            record = ExchangeRecord.of(refusal)
            isRefusal = refusal.isRefusal
        }
        source.note(cause: cause, of: record)
        switch errorAction {
        case "silentlycontinue", "ignore": return nil
        case "stop" where !isRefusal: throw .interrupted(PipelineStop(endingWith: record))
        case nil where !isRefusal, "continue": return CmdletBatch([], errors: [record])
        default: throw .interrupted(PipelineStop(refusedWith: record))
        }
    }

    private mutating func batch(_ page: ExchangePage) -> CmdletBatch {
        var objects: [PSValue] = []
        objects.reserveCapacity(page.rows.count)
        for row in page.rows {
            if let object = reader.object(row) { objects.append(object) }
        }
        var information: [String] = []
        if let words = page.confirmation {
            if isPreview { information.append("What if: \(words)") }
            if isAsking {
                information.append("Confirm: \(words) Nothing was done: run it again without -Confirm to do it.")
            }
        }
        source.note(information: information)
        return CmdletBatch(
            objects, warnings: reader.takeWarnings() + (isSilent ? [] : page.warnings),
            errors: errorAction == nil || errorAction == "continue" ? page.errors.map { ExchangeRecord.of($0) } : [],
            information: information)
    }
}
