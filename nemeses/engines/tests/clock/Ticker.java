// What programs.rs describes, in Java.
class Ticker {
    public static void main(String[] arguments) throws InterruptedException {
        boolean waits = arguments.length > 0;
        Object monitor = new Object();
        while (true) {
            System.out.println("T " + System.currentTimeMillis() * 1000000 + " " + System.nanoTime());
            if (waits) {
                long begin = System.nanoTime();
                synchronized (monitor) {
                    monitor.wait(500);
                }
                System.out.println("W " + (System.nanoTime() - begin));
            } else {
                Thread.sleep(10);
            }
        }
    }
}
