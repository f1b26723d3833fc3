$params = @{
    UserPrincipalName = 'admin@contoso-sandbox.example'
    ShowBanner        = $false
}
Connect-ExchangeOnline @params
$user = Read-Host "Mailbox"
foreach ($m in Get-Mailbox -ResultSize 50) {
    Get-MailboxFolderPermission -Identity "$($m.Alias):\Calendar" -ErrorAction SilentlyContinue |
        Select-Object @{ Name = 'Mailbox'; Expression = { $m.Alias } }, User, AccessRights
}
Disconnect-ExchangeOnline -Confirm:$false
