# SPDX-License-Identifier: ISC
# The package ruby-ffi-rzmq: requests, publishing, polling, errors. Exits with 0 if all is as it should be.

require 'ffi-rzmq'

def check(held, what)
  return if held

  puts "failed: #{what} (#{ZMQ::Util.error_string})"
  exit 1
end

context = ZMQ::Context.new
server = context.socket(ZMQ::REP)
client = context.socket(ZMQ::REQ)
[server, client].each { |socket| check(socket.setsockopt(ZMQ::RCVTIMEO, 10_000).zero?, 'RCVTIMEO') }
check(server.bind('tcp://127.0.0.1:*').zero?, 'bind')
endpoint = []
check(server.getsockopt(ZMQ::LAST_ENDPOINT, endpoint).zero?, 'LAST_ENDPOINT')
check(client.connect(endpoint[0].delete("\0")).zero?, 'connect')
request = ['a', '', 'b' * 100_000]
check(client.send_strings(request) >= 0, 'send')
received = []
check(server.recv_strings(received) >= 0 && received == request, 'a request of several frames')
check(server.send_string('reply') >= 0, 'send')
reply = ''.dup
check(client.recv_string(reply) >= 0 && reply == 'reply', 'a reply')
check(client.recv_string(reply, ZMQ::DONTWAIT) == -1 && ZMQ::Util.errno == ZMQ::EFSM, 'EFSM')

publisher = context.socket(ZMQ::XPUB)
check(publisher.bind('inproc://news').zero?, 'bind')
subscriber = context.socket(ZMQ::SUB)
check(subscriber.connect('inproc://news').zero?, 'connect')
check(subscriber.setsockopt(ZMQ::SUBSCRIBE, 'topic').zero?, 'SUBSCRIBE')
subscription = ''.dup
check(publisher.recv_string(subscription) >= 0 && subscription == "\1topic", 'a subscription')
%w[other topic].each { |topic| check(publisher.send_string(topic) >= 0, 'publish') }
poller = ZMQ::Poller.new
poller.register_readable(subscriber)
check(poller.poll(10_000) == 1, 'a poll')
publication = ''.dup
check(subscriber.recv_string(publication) >= 0 && publication == 'topic', 'a publication')
[server, client, publisher, subscriber].each { |socket| check(socket.close.zero?, 'close') }
check(context.terminate.zero?, 'terminate')
puts 'ruby-ffi-rzmq: passed'
