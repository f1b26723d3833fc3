import MMCore
import MMShell

extension ShellTask: OperationWork {
    func answer(
        to context: OperationContext, prompt: ShellPrompt?, from services: WorkServices
    ) async -> OperationAnswer {
        await .report(self, context, prompt: prompt)
    }

    func page(
        _ stream: ShellCommand.Stream?, from offset: Int, limit: Int?, to context: OperationContext,
        from services: WorkServices
    ) async -> OperationAnswer {
        guard let stream else { return .display(self) }
        // No character is longer than four bytes: with so many there is always one to show.
        let page = await page(stream, from: offset, limit: max(limit ?? 20_000, 4))
        let text = ShellText(
            page.bytes, isCut: page.start > 0 || page.next < page.total || isRunning,
            isRead: context.call.caller.surface == .mcp)
        var object: JSONObject = [
            "job": .string(handle), "status": .string(ShellReport(task: self, room: 0).status),
            "stream": .string(stream.rawValue), "offset": .int(Int64(page.start)),
            "next": .int(Int64(page.next - text.left)), "total": .int(Int64(page.total)), "text": .string(text.text),
        ]
        if let form = text.encoding { object["encoding"] = .string(form.rawValue) }
        if let end = job.end { object["exit_code"] = .int(Int64(end.exitCode)) }
        return OperationAnswer(.value(.object(object)), text: context.isTerminal ? text.text : nil)
    }

    func wait(for wish: WaitingWish, until deadline: Deadline) async -> ShellPrompt? {
        await ShellRunner.wait(job, until: deadline, for: wish.text, matching: wish.pattern, quiet: wish.quiet)
    }

    func end(for context: OperationContext, from services: WorkServices) async -> OperationAnswer {
        cancel()
        await finished(within: .seconds(10))
        return await answer(to: context, prompt: nil, from: services)
    }
}
