import Glibc
import MMCore
import MMSystem

/// Ends what runs in a shell, more firmly with each rung, and the shell itself only at the last.
///
/// SIGINT makes an interactive shell give up the whole list of commands. What ignores it gets SIGTERM, then SIGKILL;
/// a shell that waits for a background job is freed by ending the job; a shell that itself ignores SIGINT is replaced.
struct CancelLadder: Sendable {
    let shell: LiveShell
    let id: String
    let times: ShellSettings.Times

    /// Climbs until the task is cancelled, which means that the command has ended.
    func climb() async {
        // An interrupt in the midst of a line would cut it: the rest would be taken for a command of its own.
        let limit = Deadline.after(times.interrupt)
        while shell.hasUnreadLines, !limit.hasPassed {
            guard await pause(.milliseconds(1)) else { return }
        }
        let first = interrupt()
        let soon = min(times.interrupt / 4, .milliseconds(150))
        guard await pause(soon) else { return }
        // The command may have taken the prompt's hook away: an idle shell answers this line.
        try? await shell.type(shell.dialect.probe(id: id, status: 130))
        resume()
        guard await insist(on: first, until: .after(times.interrupt - soon)) else { return }
        for (signal, time) in [(SIGTERM, times.terminate), (SIGKILL, times.kill)] {
            guard let group = shell.processes.foregroundGroup, group != shell.group.withLock({ $0 }) else { break }
            kill(-group, signal)
            resume()
            guard await pause(time) else { return }
        }
        let own = shell.group.withLock { $0 }
        try? await BlockingWork.run { [processes = shell.processes] in
            processes.killOthers { $0.id != own && !processes.isAncestor($0.id, of: own) }
        }
        resume()
        guard await pause(times.kill) else { return }
        kill(-own, SIGKILL)
        shell.child.signalGroup(SIGKILL)
    }

    /// - Returns: the group that was interrupted.
    private func interrupt() -> Int32 {
        let own = shell.group.withLock { $0 }
        let group = shell.processes.foregroundGroup ?? own
        kill(-group, SIGINT)
        resume()
        return group
    }

    /// Interrupts what the first interrupt missed, until the time is over.
    ///
    /// A program that was just being started may not have heard it: it came to the terminal later, or was still the
    /// shell's copy, which catches the signal and forgets it with the program's start. Sent the next signal, it would end
    /// alone, and the shell would go on with the rest of its list. Nobody who handles interrupts hears a second one.
    /// - Returns: false when the command has ended.
    private func insist(on first: Int32, until limit: Deadline) async -> Bool {
        var told: Set<Int32> = [first]
        while !limit.hasPassed {
            guard await pause(min(.milliseconds(150), limit.remaining)) else { return false }
            guard let group = shell.processes.foregroundGroup, group != shell.group.withLock({ $0 }) else { continue }
            if told.insert(group).inserted {
                kill(-group, SIGINT)
            } else {
                try? await BlockingWork.run { [processes = shell.processes] in processes.interruptDefaults(of: group) }
            }
            resume()
        }
        return !Task.isCancelled
    }

    /// What is stopped sees no signal but this one. A command may stop its shell at any time, also after the first rung.
    private func resume() {
        let own = shell.group.withLock { $0 }
        if let group = shell.processes.foregroundGroup, group != own { kill(-group, SIGCONT) }
        kill(-own, SIGCONT)
    }

    private func pause(_ time: Duration) async -> Bool {
        try? await Task.sleep(for: time)
        return !Task.isCancelled
    }
}
