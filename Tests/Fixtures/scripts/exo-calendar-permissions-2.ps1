#Requires -Modules ExchangeOnlineManagement
Connect-ExchangeOnline -ShowBanner:$false
$user = Read-Host "Mailbox"
foreach ($m in Get-Mailbox -ResultSize 50) {
    Get-MailboxFolderPermission -Identity "$($m.Alias):\Calendar" -ErrorAction SilentlyContinue |
        Select-Object @{ Name = 'Mailbox'; Expression = { $m.Alias } }, User, AccessRights
}
Disconnect-ExchangeOnline -Confirm:$false -InformationAction Ignore -ErrorAction SilentlyContinue
