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
        interrupt()
        let soon = min(times.interrupt / 4, .milliseconds(150))
        guard await pause(soon) else { return }
        // The command may have taken the prompt's hook away: an idle shell answers this line.
        try? await shell.type(shell.dialect.probe(id: id, status: 130))
        resume()
        guard await pause(times.interrupt - soon) else { return }
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

    private func interrupt() {
        let own = shell.group.withLock { $0 }
        let group = shell.processes.foregroundGroup ?? own
        kill(-group, SIGINT)
        resume()
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
