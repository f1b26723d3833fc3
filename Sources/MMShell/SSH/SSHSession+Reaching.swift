import Glibc
import MMCore
import MMSessions
import MMSystem

/// Reaching a running command from beside it.
extension SSHSession {
    /// How long signals may be under way to a host, in all.
    private static let wayThere = Duration.seconds(5)

    /// What came of a script beside a command.
    private enum Reached { case done, failed, silent }

    func signal(_ number: Int32, _ shell: RemoteShell) async -> Bool {
        guard number > 0, number < 65, shell.pid > 1 else { return false }
        return await reach(
            shell, RemoteDialect.signalling(shell: shell.pid, String(number), group: false), within: .seconds(10))
            == .done
    }

    /// Runs a script over there, over another connection where this one opens no more channels.
    private func reach(_ shell: RemoteShell, _ script: String, within time: Duration) async -> Reached {
        func run(over master: SSHMaster) async -> (reached: Reached, isRefused: Bool) {
            do throws(MMError) {
                let outcome = try await master.control(script, timeout: time)
                return (outcome.exit == .status(0) ? .done : .failed, outcome.exit == .status(255))
            } catch {
                return (error.code == .deadlineExceeded ? .silent : .failed, false)
            }
        }
        let first = await run(over: shell.master)
        guard first.isRefused, shell.master.isAlive, !Task.isCancelled,
            let other = try? await masters.acquire(target, besides: shell.master, deadline: .after(time))
        else { return first.reached }
        let second = await run(over: other)
        await masters.release(other)
        return second.reached
    }

    /// The rungs for a command.
    nonisolated func ladder(_ effects: CommandEffects) -> RunningCommand.Ladder {
        var steps = [RunningCommand.Ladder.Step(.interrupt, times.interrupt)]
        if effects.endsWithItsProgram { steps += [.init(.terminate, times.terminate), .init(.kill, times.kill)] }
        return .init(steps + [.init(.sweep, times.kill), .init(.replace)])
    }

    /// Climbs until the command has ended, which cancels the task.
    func climb(_ run: RunningCommand, _ shell: RemoteShell) async {
        func pause(_ time: Duration) async { try? await Task.sleep(for: time) }
        // However slowly the host answers, or if it answers nothing: all rungs together end in their time by the clock here.
        // What goes on over there then is ended when it is reached again.
        let limit = Deadline.after(times.interrupt + times.terminate + times.kill * 2 + Self.wayThere)
        func isHeard(_ script: String) async -> Bool {
            if await reach(shell, script, within: limit.remaining) != .silent { return true }
            if !Task.isCancelled { await masters.distrust(shell.master) }
            return false
        }
        let pid = shell.pid
        var isHopeless = pid <= 1
        while let step = run.nextRung(toLast: isHopeless) {
            switch step.rung {
            case .interrupt:
                isHopeless = await !isHeard(
                    RemoteDialect.signalling(shell: pid, "INT", group: true) + "; "
                        + RemoteDialect.signalling(shell: pid, "CONT", group: true))
                if isHopeless { continue }
                await pause(step.time / 4)
                if !Task.isCancelled { shell.post(RemoteDialect.probe(id: run.id, status: 130)) }
                await pause(step.time - step.time / 4)
            case .terminate, .kill:
                let word = step.rung == .terminate ? "TERM" : "KILL"
                isHopeless = await !isHeard(RemoteDialect.signalling(shell: pid, word, group: false))
                if !isHopeless { await pause(step.time) }
            case .sweep:
                isHopeless = await !isHeard(RemoteDialect.ending(shell: pid))
                if !isHopeless { await pause(step.time) }
            case .replace: shell.process.signalGroup(SIGKILL)
            }
        }
    }

    /// The processes of a shell's session that are stopped.
    static func stopped(in shell: RemoteShell) async -> [Int32] {
        guard shell.pid > 1 else { return [] }
        let script = RemoteDialect.stopped(shell: shell.pid)
        let outcome = try? await shell.master.control(script, timeout: .seconds(10))
        let words = String(decoding: outcome?.output ?? [], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return words.compactMap { Int32($0) }.filter { $0 > 1 && $0 != shell.pid }
    }

    /// Ends processes of a host.
    static func end(_ processes: [Int32], in shell: RemoteShell) async {
        let script = "kill -s KILL " + processes.map(String.init).joined(separator: " ")
        _ = try? await shell.master.control(script, timeout: .seconds(10))
    }

    /// Interrupts what runs as the key does.
    func interrupt(_ shell: RemoteShell) async {
        _ = await reach(shell, RemoteDialect.signalling(shell: shell.pid, "INT", group: true), within: .seconds(10))
    }

    /// The terminal of a shell, opened with the first command that wants one.
    func terminal(of shell: RemoteShell, until deadline: Deadline) async throws(MMError) -> RemoteTerminal {
        if let terminal = shell.terminal, terminal.isAlive { return terminal }
        await shell.terminal?.close()
        shell.terminal = nil
        let opened = try await RemoteTerminal.open(target, masters, within: min(times.start, deadline.remaining))
        shell.terminal = opened
        return opened
    }

    /// What a command asks at its terminal; nil when it works, or nobody can tell.
    func question(_ shell: RemoteShell, _ terminal: RemoteTerminal) async -> ShellPrompt? {
        let script = RemoteDialect.asking(shell: shell.pid, terminal: terminal.path)
        guard let outcome = try? await shell.master.control(script, timeout: .seconds(10)) else { return nil }
        let words = String(decoding: outcome.output, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 4, words[0] == "reads" else { return nil }
        // Echo that is off while lines are read says the same of programs that may not be looked at, such as sudo.
        let isSecret = words[3] == "1"
        return words[1] == "1" || isSecret ? ShellPrompt(isSecret: isSecret, text: "") : nil
    }
}
