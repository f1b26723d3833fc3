# Connect only when there is no session yet
$connection = Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' }
if (-not $connection) {
    Connect-ExchangeOnline
}
Get-Mailbox -ResultSize Unlimited -Filter "LitigationHoldEnabled -eq 'True'" |
    Select-Object DisplayName, LitigationHoldDate, LitigationHoldOwner, LitigationHoldDuration
Disconnect-ExchangeOnline -Confirm:$false
