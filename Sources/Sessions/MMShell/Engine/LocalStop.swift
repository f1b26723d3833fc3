import Glibc
import MMCore
import MMSessions
import MMSystem

/// How a local shell climbs the ladder that stops its command.
///
/// A shell that sees its program end goes on with the rest of its list, whatever ended the program. So the shell is
/// stopped first, then its program is ended, and only then the shell goes on, with a SIGINT that it gets before anything
/// else: an interactive shell gives up the whole list on it. What ignores SIGINT gets SIGTERM, then SIGKILL; a shell that
/// itself ignores or traps SIGINT is replaced.
struct LocalStop: Sendable {
    let shell: LiveShell
    let times: ShellSettings.Times
    /// Whether the shell may run a trap on SIGINT and then go on with its list.
    let mayTrapInterrupts: Bool

    /// How long a shell is given to answer before it is looked at again; a busy machine gets twice as long each time.
    private static let answer: Duration = .milliseconds(150)

    /// The rungs for a command of this shell.
    var ladder: RunningCommand.Ladder {
        .init([
            .init(.interrupt, times.interrupt), .init(.terminate, times.terminate), .init(.kill, times.kill),
            .init(.sweep, times.kill), .init(.replace),
        ])
    }

    /// Climbs until the command has ended, which cancels the task.
    func climb(_ run: RunningCommand) async {
        // An interrupt in the midst of a line would cut it: the rest would be taken for a command of its own.
        let limit = Deadline.after(times.interrupt)
        while shell.hasUnreadLines, !limit.hasPassed {
            guard await pause(.milliseconds(1)) else { return }
        }
        let own = shell.group.withLock { $0 }
        // However this ends, no shell is left stopped.
        defer { kill(own, SIGCONT) }
        var groups: Set<Int32> = []
        while let step = run.nextRung() {
            let goesOn: Bool
            switch step.rung {
            case .interrupt: goesOn = await end(run.id, own, &groups, with: SIGINT, until: .after(step.time))
            case .terminate: goesOn = await end(run.id, own, &groups, with: SIGTERM, until: .after(step.time))
            case .kill: goesOn = await end(run.id, own, &groups, with: SIGKILL, until: .after(step.time))
            case .sweep:
                await sweep(own)
                goesOn = await release(own) ? await pause(step.time) : false
            case .replace:
                replace(own)
                goesOn = false
            }
            guard goesOn else { return }
        }
    }

    /// Whether the shell has been stopped by its own command (`kill -STOP $$`), and nothing that it started is left that
    /// could let it go on.
    /// - Returns: the shell, if so.
    private func stoppedItself(_ run: RunningCommand) async -> [Int32] {
        let own = shell.group.withLock { $0 }
        // A stop holds the shell, too.
        guard own > 1, run.reason == nil, ProcessEntry(own)?.isStopped ?? false else { return [] }
        let isLeft = try? await BlockingWork.run { [processes = shell.processes] in
            processes.others().contains {
                $0.id != own && !$0.isStopped && !$0.isDead && !processes.isAncestor($0.id, of: own)
            }
        }
        // What was left a moment ago may have let it go on with its last act.
        guard isLeft == false, run.reason == nil, ProcessEntry(own)?.isStopped ?? false else { return [] }
        return [own]
    }

    /// What waits for somebody to let it go on who isn't there: the shell, or some members of a pipeline.
    func stuck(_ run: RunningCommand) async -> [Int32] {
        let shell = await stoppedItself(run)
        guard shell.isEmpty, run.reason == nil else { return shell }
        let found = try? await BlockingWork.run { [processes = self.shell.processes] in processes.stuckMembers() }
        // A stop of the whole command stops its members, too.
        return run.reason == nil ? found ?? [] : []
    }

    /// Has the shell give up a command that stopped it, as the key does; members of a pipeline are ended.
    func giveUp(_ stuck: [Int32]) {
        let own = shell.group.withLock { $0 }
        guard own > 1 else { return }
        guard stuck == [own] else {
            for id in stuck where ProcessEntry(id)?.isStopped ?? false { kill(id, SIGKILL) }
            return
        }
        kill(own, SIGINT)
        kill(own, SIGCONT)
    }

    /// Ends the jobs in the background, too: a shell may wait for them.
    private func sweep(_ own: Int32) async {
        kill(own, SIGCONT)
        try? await BlockingWork.run { [processes = shell.processes] in
            processes.killOthers { $0.id != own && !processes.isAncestor($0.id, of: own) }
        }
    }

    /// Ends the program that runs.
    /// - Parameter groups: the process groups that were told, from rung to rung.
    /// - Returns: false when the command has ended.
    private func end(
        _ id: String, _ own: Int32, _ groups: inout Set<Int32>, with signal: Int32, until limit: Deadline
    ) async -> Bool {
        var told: Set<Int32> = []
        var patience = Self.answer
        repeat {
            guard await hold(own, until: limit) else { return false }
            if let group = shell.processes.foregroundGroup, group != own { groups.insert(group) }
            for group in groups where told.insert(group).inserted {
                kill(-group, signal)
                // What is stopped sees no other signal.
                kill(-group, SIGCONT)
            }
            let known = groups
            let isGone = try? await BlockingWork.run { [processes = shell.processes] in
                // Substitutions run in the shell's own group.
                if signal != SIGINT { processes.signal(signal, groupOf: own, sparing: own) }
                return processes.isGone(known) { group in
                    if signal == SIGINT { processes.interruptDefaults(of: group) }
                }
            }
            if isGone ?? false {
                if mayTrapInterrupts, !groups.isEmpty {
                    replace(own)
                    return await pause(times.kill)
                }
                guard await release(own), await pause(min(patience, limit.remaining)) else { return false }
                patience = patience * 2
                // The command may have taken the prompt's hook away: an idle shell answers this line.
                if !shell.hasUnreadLines { try? await shell.type(shell.dialect.probe(id: id, status: 130)) }
            } else {
                guard await pause(.milliseconds(20)) else { return false }
            }
        } while !limit.hasPassed
        return !Task.isCancelled
    }

    /// Stops the shell itself, so that it starts nothing more.
    /// - Returns: false when the command has ended.
    private func hold(_ own: Int32, until limit: Deadline) async -> Bool {
        kill(own, SIGSTOP)
        while ProcessEntry(own).map({ !$0.isStopped && !$0.isDead }) ?? false, !limit.hasPassed {
            guard await pause(.milliseconds(1)) else { return false }
        }
        // The end may have been on its way: a SIGINT now would meet the next command.
        shell.channel.lookForReport()
        return !Task.isCancelled
    }

    /// Lets the shell go on, with the interrupt first.
    private func release(_ own: Int32) async -> Bool {
        shell.channel.lookForReport()
        guard !Task.isCancelled else { return false }
        kill(-own, SIGINT)
        kill(-own, SIGCONT)
        return true
    }

    private func replace(_ own: Int32) {
        kill(-own, SIGKILL)
        shell.child.signalGroup(SIGKILL)
    }

    private func pause(_ time: Duration) async -> Bool {
        try? await Task.sleep(for: time)
        return !Task.isCancelled
    }
}
